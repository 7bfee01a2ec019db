import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TARGETS } from "../../scripts/bun/targets.ts";
import { wayOf } from "../../scripts/targets/ways.ts";
import { openSandbox } from "../transcripts/harness.ts";
import { COMPILE_LIMIT_MS, compileFor, ROOT } from "./compiled.ts";

const targets = Object.keys(TARGETS).map((target) => ({ target, ...wayOf(target) }));
const startable = targets.flatMap((it) => ("words" in it ? [it] : []));
for (const it of targets) {
  if ("obstacle" in it) process.stderr.write(`the program for ${it.target} is not started here: ${it.obstacle}\n`);
}

describe.each(startable)("the program for $target", { timeout: COMPILE_LIMIT_MS }, ({ target, words }) => {
  test("sets up a vault, pushes, and starts a program with what is in it", async () => {
    await using made = await compileFor(target);
    await using sandbox = await openSandbox([...words, made.program]);
    const env = { VSYNC_PASSPHRASE: "correct horse battery staple", VSYNC_REPO: "api" };
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

test("this machine's own program is among those that start", () => {
  expect(startable.filter(({ words }) => words.length === 0)).toHaveLength(1);
});
