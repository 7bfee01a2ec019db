import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { binary, ROOT } from "./built.ts";

const run = promisify(execFile);

test("the same sources give the same bytes in another folder", { timeout: 300_000 }, async () => {
  await mkdir(join(ROOT, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".cache/elsewhere-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const filter = (path: string) => path !== join(ROOT, "dist/vsync") && path !== join(ROOT, "dist/release");
  for (const name of ["bin", "dist", "scripts", "package.json", "oclif.manifest.json"]) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true, filter });
  }
  await run("cp", ["-Rl", join(ROOT, "node_modules"), join(folder, "node_modules")]);
  await run(process.execPath, [join(folder, "scripts/build-binary.mjs")]);
  const [first, again] = await Promise.all([readFile(binary()), readFile(join(folder, "dist/vsync"))]);
  expect(first.equals(again)).toBe(true);
  expect(first.includes(ROOT)).toBe(false);
});
