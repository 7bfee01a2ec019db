import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configure, openMachine } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";

const PLACE = {
  endpoint: "http://127.0.0.1:1",
  region: "eu-central-1",
  bucket: "acme-secrets",
  accessKeyId: "K",
  secretAccessKey: "planted-secret-key",
};
const VAULT = { vault: "AAECAwQFBgcICQoLDA0ODw" };

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openMachine();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const policy = async (...args: readonly string[]): Promise<Transcript> =>
  sandbox.tidy(await sandbox.run(["policy", "--env=prod", ...args]));

async function printed(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await policy(...args);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout);
}

const arn = (key: string): string => `arn:aws:s3:::acme-secrets/api/prod/${key}`;
const READER = {
  Version: "2012-10-17",
  Statement: [{ Sid: "VsyncRead", Effect: "Allow", Action: ["s3:GetObject"], Resource: [arn("manifest"), arn("v=*")] }],
};
const OPERATOR = {
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "VsyncReadAndWrite",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: [arn("manifest"), arn("v=*"), arn("audit/*"), arn("probe-*")],
    },
    { Sid: "VsyncRemove", Effect: "Allow", Action: ["s3:DeleteObject"], Resource: [arn("v=*"), arn("probe-*")] },
    {
      Sid: "VsyncList",
      Effect: "Allow",
      Action: ["s3:ListBucket"],
      Resource: ["arn:aws:s3:::acme-secrets"],
      Condition: { StringLike: { "s3:prefix": ["api/prod/*"] } },
    },
  ],
};

describe("of the vault in the config", () => {
  beforeEach(() => configure(sandbox, PLACE, VAULT).then(() => undefined));

  test("for a reader", async () => {
    expect(await printed("--role=reader")).toEqual(READER);
  });

  test("for an operator", async () => {
    expect(await printed("--role=operator")).toEqual(OPERATOR);
  });

  test("with overrides, which are not written back", async () => {
    const before = await sandbox.snapshot();
    const [statement] = (await printed("--role=reader", "--bucket=other", "--prefix=a/")).Statement;
    expect(statement.Resource).toEqual(["arn:aws:s3:::other/a/manifest", "arn:aws:s3:::other/a/v=*"]);
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("what IAM would take for wildcards or variables is escaped", async () => {
    const { Statement } = await printed("--role=operator", "--prefix=a*?${aws:username}/$/");
    const escaped = "a${*}${?}${$}{aws:username}/${$}/";
    expect(Statement[1].Resource[0]).toBe(`arn:aws:s3:::acme-secrets/${escaped}v=*`);
    expect(Statement[2].Condition.StringLike["s3:prefix"]).toEqual([`${escaped}*`]);
  });

  test.each([
    ["cn-north-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
  ])("in region %s the partition is %s", async (region, partition) => {
    const { Statement } = await printed("--role=operator", `--region=${region}`);
    expect(Statement[0].Resource[0]).toBe(`arn:${partition}:s3:::acme-secrets/api/prod/manifest`);
    expect(Statement[2].Resource).toEqual([`arn:${partition}:s3:::acme-secrets`]);
  });
});

test("before there is a config, of the bucket that is named", async () => {
  expect(await printed("--role=operator", "--bucket=acme-secrets")).toEqual(OPERATOR);
  expect(await printed("--role=reader", "--bucket=acme-secrets")).toEqual(READER);
});

describe("fails", () => {
  test("no config and no bucket: 4", async () => {
    expect(await policy("--role=reader")).toMatchObject({ stdout: "", exitCode: 4 });
  });

  test("no role, or another: 1", async () => {
    expect(await policy("--bucket=b")).toEqual({
      stdout: "",
      stderr: "vsync: error: missing --role\nvsync: hint: give --role= one of reader, operator\n",
      exitCode: 1,
    });
    expect(await policy("--bucket=b", "--role=admin")).toEqual({
      stdout: "",
      stderr: "vsync: error: --role must be one of reader, operator\nvsync: hint: see vsync policy --help\n",
      exitCode: 1,
    });
  });

  test("a vault in a directory: 1", async () => {
    await configure(sandbox, { ...PLACE, endpoint: "file:///srv" }, { ...VAULT, credentials: "ambient" });
    expect(await policy("--role=reader")).toEqual({
      stdout: "",
      stderr: `vsync: error: a vault in a directory has no policy: the folders' modes say who may read and write it
vsync: hint: name a bucket with --bucket and --endpoint
`,
      exitCode: 1,
    });
  });
});
