import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSandbox, programUnderTest, type Sandbox } from "../support/program/sandbox.ts";

/* The rules for passphrases: docs/decisions/0046-passphrases-that-travel.md. */

const GOOD = "correct horse battery";
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const INIT = ["init", "--env=prod", "--repo=api", "--local"];

test.each([
  ["a space at the end", `${GOOD} `, "ends in a space or line end, which a file would lose"],
  ["a line end at the end", `${GOOD}\n`, "ends in a space or line end, which a file would lose"],
  ["spaces alone", " ".repeat(12), "ends in a space or line end, which a file would lose"],
  ["a line end within", "correct horse\nbattery", "has a control character, which prompts do not accept"],
  ["a byte order mark", `\ufeff${GOOD}`, "begins with a byte order mark, which keyboards do not type"],
  [
    "an accent of its own",
    "Mu\u0308llers Passwort",
    "has an accent as a separate character, which keyboards do not type (it is not NFC)",
  ],
])("one with %s is not set, and nothing is written", async (_, VSYNC_PASSPHRASE, fault) => {
  const before = await sandbox.snapshot();
  const { stdout, stderr, exitCode } = await sandbox.run(INIT, { env: { VSYNC_PASSPHRASE } });
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  expect(stderr).toContain(`vsync: error: the passphrase ${fault}\n`);
  expect(await sandbox.snapshot()).toEqual(before);
});

test("a rotation refuses them too, but accepts any old passphrase", async () => {
  const env = { VSYNC_PASSPHRASE: ` ${GOOD}`, VSYNC_REPO: "api" };
  expect((await sandbox.run(INIT, { env })).exitCode).toBe(0);
  expect((await sandbox.run(["push", "prod", "--from=-"], { env, stdin: "A=1\n" })).exitCode).toBe(0);
  const rotate = ["rotate-passphrase", "--env=prod", "--yes"];
  const refused = await sandbox.run(rotate, { env: { ...env, VSYNC_NEW_PASSPHRASE: `${GOOD}s ` } });
  expect(refused.stderr).toContain(
    "vsync: error: the new passphrase ends in a space or line end, which a file would lose\n",
  );
  expect((await sandbox.run(["get", "prod", "A"], { env })).stdout).toBe("1\n");
});

test("a variable with bytes that are not UTF-8 is refused, because U+FFFD would replace all of them", async () => {
  const before = await sandbox.snapshot();
  const line = `VSYNC_PASSPHRASE=$(printf '\\377correct horse battery') ${programUnderTest().join(" ")} ${INIT.join(" ")}`;
  const env = { HOME: sandbox.home, PATH: process.env["PATH"] };
  const { status, stderr } = spawnSync("/bin/sh", ["-c", line], { env, cwd: sandbox.work, encoding: "utf8" });
  expect(stderr).toBe(
    "vsync: error: VSYNC_PASSPHRASE does not hold UTF-8 text\n" +
      "vsync: hint: set it in UTF-8, or use VSYNC_PASSPHRASE_FILE\n",
  );
  expect(status).toBe(1);
  expect(await sandbox.snapshot()).toEqual(before);
});
