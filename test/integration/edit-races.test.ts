/** @module-tag process */
import { afterEach, beforeEach, expect, test } from "vitest";
import { configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox } from "../support/program/sandbox.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";

let server: StrictS3;
let sandbox: Sandbox;
beforeEach(async () => {
  server = await startStrictS3();
  sandbox = await openMachine();
  await createVaultAt(strictPlace(server));
  await configure(sandbox, strictPlace(server));
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

const edit = () =>
  sandbox.run(["edit", "prod"], {
    env: { EDITOR: "echo ADDED=2 >>", VSYNC_PASSPHRASE: "correct horse battery staple" },
  });
const overtaken = (times: number): void =>
  server.faults.add(
    { method: "PUT", key: /manifest$/ },
    { kind: "answer", apply: false, status: 412, code: "PreconditionFailed" },
    times,
  );

test("an edit that loses the swap to another commit merges that, too", async () => {
  overtaken(1);
  const { stderr, exitCode } = await edit();
  expect({ stderr, exitCode }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("Updated prod (gen=2)") });
});

test("an edit whose swap fails although nobody else commits says so, and keeps the text", async () => {
  overtaken(10);
  const { stderr, exitCode } = await edit();
  expect(exitCode).toBe(5);
  expect(stderr).toMatch(/what you wrote stays in .+: vsync edit prod --resume resumes it/);
});
