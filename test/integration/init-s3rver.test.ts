import { join } from "node:path";
import { expect, test } from "vitest";
import { openMachine } from "../support/program/s3-machine.ts";
import { startS3rver } from "../support/s3rver.ts";

test("the npm package s3rver ignores preconditions, and init refuses it", async () => {
  await using sandbox = await openMachine();
  await using server = await startS3rver(join(sandbox.folder, "s3rver"));
  const flags = [`--endpoint=${server.endpoint}`, `--bucket=${server.bucket}`, `--access-key=${server.accessKeyId}`];
  const env = { VSYNC_PASSPHRASE: "correct horse battery staple", VSYNC_SECRET_KEY: server.secretAccessKey };
  const { stderr, exitCode } = await sandbox.run(["init", "--env=prod", ...flags], { env });
  expect(stderr).toContain("cannot hold a vault: it lets a create-only PUT (If-None-Match: *) overwrite an object\n");
  expect(exitCode).toBe(1);
});
