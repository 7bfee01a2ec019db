/** @module-tag process */
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writePrivateFile } from "../../src/disk/private-file.ts";
import { temporaryFor } from "../../src/disk/temporary.ts";

const SCRIPT = join(import.meta.dirname, "temporary-process.ts");
const HOUR_MS = 3_600_000;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.each(["write", "sync", "rename"])(
  "the next write of a file removes what a writer killed before %s left",
  async (before) => {
    const folder = await newFolder();
    const path = join(folder, ".env.prod");
    const killed = spawnSync(process.execPath, [SCRIPT, path, "KEY=planted", before]);
    expect(killed.signal, killed.stderr.toString()).toBe("SIGKILL");
    const [left = "", ...more] = await readdir(folder);
    expect([left, more]).toEqual([expect.stringMatching(/^\.env\.prod\..+\.tmp$/), []]);
    if (before !== "write") expect(await readFile(join(folder, left), "utf8")).toBe("KEY=planted");
    await writePrivateFile(path, "KEY=new");
    expect(await readdir(folder)).toEqual([".env.prod"]);
  },
);

test("a living writer's file stays, and so does every other file", async () => {
  const folder = await newFolder();
  const path = join(folder, "x");
  const kept = [await temporaryFor(path), `${path}.tmp`, `${path}.0123456789ab.tmp`];
  for (const name of kept) await writeFile(name, "");
  await writePrivateFile(path, "");
  expect(await readdir(folder)).toHaveLength(4);
});

test("the file of a process that cannot be checked stays for an hour", async () => {
  const folder = await newFolder();
  const path = join(folder, "x");
  const foreign = `${path}.${"0".repeat(16)}.1.1.00000000.tmp`;
  await writeFile(foreign, "");
  await writePrivateFile(path, "");
  expect(await readdir(folder)).toHaveLength(2);
  const then = new Date(Date.now() - HOUR_MS - 1000);
  await utimes(foreign, then, then);
  await writePrivateFile(path, "");
  expect(await readdir(folder)).toEqual(["x"]);
});

test.each(["n".repeat(255), "é".repeat(127), "n".repeat(190)])("a file may have a name as long as %s", async (name) => {
  const folder = await newFolder();
  const path = join(folder, name);
  await writePrivateFile(path, "old");
  await writePrivateFile(path, "new");
  expect(await readFile(path, "utf8")).toBe("new");
  spawnSync(process.execPath, [SCRIPT, path, "KEY=planted", "rename"]);
  expect(await readdir(folder)).toHaveLength(2);
  await writePrivateFile(path, "newer");
  expect(await readdir(folder)).toEqual([name]);
});
