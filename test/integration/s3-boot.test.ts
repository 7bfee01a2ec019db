import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccessDeniedError } from "../../src/errors.ts";
import { text } from "../contract/fixture.ts";
import { createBucket, putBucketPolicy } from "../support/ceph/target.ts";
import {
  configure,
  createVaultAt,
  openMachine,
  type Place,
  randomName,
  realServer,
  storeAt,
  tokenIn,
} from "../support/program/s3-machine.ts";
import type { Sandbox } from "../support/program/sandbox.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

const APP = join(import.meta.dirname, "../../examples/app.mjs");
const { isThere, target: real, reader } = realServer();

describe.skipIf(!isThere)("a token minted against a real S3 server with a read-only key", () => {
  const bucket = randomName("vsync-boot");
  const owner: Place = { ...real, bucket };
  let sandbox: Sandbox;
  let variables: Record<string, string>;
  beforeAll(async () => {
    await createBucket(real, bucket);
    await createVaultAt(owner);
    sandbox = await openMachine();
    await configure(sandbox, owner);
    const policy = await sandbox.run(["policy", "--env=prod", "--role=reader"]);
    const [statement] = JSON.parse(policy.stdout).Statement;
    await putBucketPolicy(real, bucket, [{ ...statement, Principal: { AWS: [reader.arn] } }]);
    const env = { VSYNC_ACCESS_KEY: reader.accessKeyId, VSYNC_SECRET_KEY: reader.secretAccessKey };
    const transcript = await sandbox.run(["runtime-token", "--env=prod"], { env });
    expect(tokenIn(transcript).accessKeyId).toBe(reader.accessKeyId);
    variables = { VSYNC_CONFIG: transcript.stdout.trimEnd(), VSYNC_PASSPHRASE: PASSPHRASE };
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test("boots the example app through the library", async () => {
    const env = { PATH: process.env["PATH"], HOME: sandbox.home, ...variables };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [APP], { env, cwd: sandbox.work });
    expect(stderr).toBe("");
    expect(stdout).toContain("opened [vsync gen=1 env=prod]\n");
    expect(stdout).toContain("ready: DATABASE_URL is there and names the host db.internal\n");
    expect(stdout).not.toContain("planted-value");
  });

  test("hands the vault to a program through vsync run, on a machine without a config", async () => {
    await using other = await openMachine();
    const { stdout, stderr, exitCode } = await other.run(
      ["run", "--", process.execPath, "-p", "new URL(process.env.DATABASE_URL).password"],
      { env: variables },
    );
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: "planted-value\n", stderr: "", exitCode: 0 });
  });

  test("boots the example app through vsync run", async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(["run", "--", process.execPath, APP], { env: variables });
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: "found the secrets in the environment\nready: DATABASE_URL is there and names the host db.internal\n",
      stderr: "",
      exitCode: 0,
    });
  });

  test("writes nothing with that key", async () => {
    const { accessKeyId, secretAccessKey } = reader;
    const store = storeAt({ ...owner, accessKeyId, secretAccessKey });
    await expect(store.create("v=20300101T000000000Z", text("x"))).rejects.toBeInstanceOf(AccessDeniedError);
  });
});
