import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownTarget, TARGETS } from "../../scripts/bun/targets.ts";
import { wayOf } from "../../scripts/targets/ways.ts";
import { openSandbox } from "../support/program/sandbox.ts";
import { COMPILE_LIMIT_MS, compileFor, documented, megabytesOf, ROOT } from "./compiled.ts";

const targets = Object.keys(TARGETS).map((target) => ({ target, ...wayOf(target) }));
const startable = [...targets.flatMap((it) => ("words" in it ? [it] : [])), ...oldProcessor()];
for (const it of targets) {
  if ("obstacle" in it) process.stderr.write(`the program for ${it.target} is not started here: ${it.obstacle}\n`);
}

/** Wine does not know the sandbox's paths, so the test writes below Wine's own folder in its home. */
const ON_WINDOWS = { XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined, WINEDEBUG: "-all" };

/** A processor of 2008 without AVX. qemu ends a program at an instruction that it lacks. */
function oldProcessor(): { target: string; words: string[]; by: string }[] {
  if (ownTarget() !== "linux-x64" || spawnSync("qemu-x86_64", ["--version"]).error !== undefined) {
    process.stderr.write("the program for linux-x64 is not started on an older processor: no qemu-x86_64\n");
    return [];
  }
  return [{ target: "linux-x64", words: ["qemu-x86_64", "-cpu", "Nehalem"], by: "Nehalem" }];
}

describe.each(startable)("the program for $target $by", { timeout: COMPILE_LIMIT_MS }, ({ target, words }) => {
  test("sets up a vault, pushes, and starts a program with its secrets", async () => {
    await using made = await compileFor(target);
    const { megabytes, seen } = await documented(target);
    expect(Math.abs((await megabytesOf(made.program)) - megabytes)).toBeLessThanOrEqual(1);
    expect(seen).toMatch(/^started/);
    await using sandbox = await openSandbox([...words, made.program]);
    const own = { VSYNC_PASSPHRASE: "correct horse battery staple", VSYNC_REPO: "api" };
    const env = target.startsWith("windows") ? { ...own, ...ON_WINDOWS } : own;
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
    const started = await sandbox.run(["--version"]);
    expect(started.stdout.trim()).toMatch(new RegExp(`^vsync/${version} \\([0-9a-f]+(-dirty)?\\)$`));
    expect(await sandbox.run(["init", "--env=prod", "--local"], { env })).toMatchObject({ exitCode: 0 });
    await sandbox.write("work/.env.prod", "NAME=value of it\n");
    expect(await sandbox.run(["push", "prod"], { env })).toMatchObject({ exitCode: 0 });
    const shell = target.startsWith("windows") ? ["cmd", "/c", "echo %NAME%"] : ["/bin/sh", "-c", 'echo "$NAME"'];
    const ran = await sandbox.run(["run", "prod", "--", ...shell], { env });
    expect({ ...ran, stdout: ran.stdout.trim() }).toMatchObject({ stdout: "value of it", exitCode: 0 });
    expect(await sandbox.run(["pull", "prod", "--force"], { env })).toMatchObject({ exitCode: 0 });
    expect(await sandbox.run(["audit", "verify", "prod"], { env })).toMatchObject({ exitCode: 0 });
  });
});

// macos.test.ts covers the programs for macOS.
const unstarted = targets.filter(({ target, ...way }) => "obstacle" in way && target.startsWith("windows"));

test.each(unstarted)(
  "the program for $target is as large as the page says",
  { timeout: COMPILE_LIMIT_MS },
  async ({ target }) => {
    await using made = await compileFor(target);
    const { megabytes } = await documented(target);
    expect(Math.abs((await megabytesOf(made.program)) - megabytes)).toBeLessThanOrEqual(1);
  },
);

test("starts this machine's own program", () => {
  expect(startable.filter(({ words }) => words.length === 0)).toHaveLength(1);
});
