import { afterEach, beforeEach, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../support/program/sandbox.ts";

const FIRST = "the first one's words";
const SECOND = "the second one's words";
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

test("if two inits set up one vault on one machine at once, one learns that the other was first", async () => {
  const words = ["init", "--env=prod", "--repo=api", "--local"];
  const session = await sandbox.terminal(words, { env: { NO_COLOR: "1" } });
  await session.shows("New passphrase:");
  expect((await sandbox.run(words, { env: { VSYNC_PASSPHRASE: FIRST } })).exitCode).toBe(0);
  const disk = await sandbox.snapshot();
  session.answer(SECOND);
  await session.shows("Confirm new passphrase:");
  session.answer(SECOND);
  const { exitCode, screen } = await session.end();
  expect(exitCode).toBe(5);
  expect(screen.replace(/\s+/g, " ")).toContain(
    "api/prod.json, so the passphrase is the one given there " +
      "vsync: hint: run vsync status to see what it says; this run has written nothing",
  );
  expect(await sandbox.snapshot()).toEqual(disk);
  const push = { env: { VSYNC_PASSPHRASE: FIRST, VSYNC_REPO: "api" }, stdin: "A=1\n" };
  expect((await sandbox.run(["push", "prod", "--from=-"], push)).exitCode).toBe(0);
});

test("warns that http:// to another machine is unencrypted, but not on loopback", async () => {
  const env = { VSYNC_PASSPHRASE: FIRST, VSYNC_ACCESS_KEY: "k", VSYNC_SECRET_KEY: "s", VSYNC_REPO: "api" };
  for (const [host, isWarned] of [
    ["s3.invalid", true],
    ["127.0.0.1:9", false],
    ["[::1]:9", false],
  ] as const) {
    const args = ["init", "--env=prod", "--bucket=b", "--region=eu-west-1", `--endpoint=http://${host}`];
    const { stderr, exitCode } = await sandbox.run(args, { env });
    expect(exitCode).toBe(3);
    expect(stderr.includes("vsync: warning: http:// is not encrypted: ")).toBe(isWarned);
  }
});
