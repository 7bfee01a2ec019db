import { expect, test } from "vitest";
import { openSandbox, Sandbox } from "../support/program/sandbox.ts";
import { binary, NODE_PROGRAM } from "./built.ts";

const env = { VSYNC_PASSPHRASE: "correct horse battery staple", VSYNC_REPO: "api" };

// One derives with the argon2 addon, the other with the runtime's own Argon2id.
test.each([
  ["the binary opens what Node.js sealed", NODE_PROGRAM, [binary()]],
  ["Node.js opens what the binary sealed", [binary()], NODE_PROGRAM],
])("%s", async (_, sealing, opening) => {
  await using sealer = await openSandbox(sealing);
  const opener = new Sandbox(sealer.folder, opening);
  expect((await sealer.run(["init", "--env=prod", "--local"], { env })).exitCode).toBe(0);
  expect((await sealer.run(["push", "prod", "--from=-"], { env, stdin: "NAME=value ü\n" })).exitCode).toBe(0);
  expect(await opener.run(["get", "prod", "NAME", "--raw"], { env })).toMatchObject({ stdout: "value ü", exitCode: 0 });
  expect((await opener.run(["set", "prod", "NAME", "--from-file=-"], { env, stdin: "changed" })).exitCode).toBe(0);
  expect(await sealer.run(["get", "prod", "NAME", "--raw"], { env })).toMatchObject({ stdout: "changed", exitCode: 0 });
});
