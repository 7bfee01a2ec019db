import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { encodeToken } from "../../src/blob/token.ts";
import { openSandbox, type Sandbox } from "../support/program/sandbox.ts";

const FIELDS: RuntimeToken = {
  v: 1,
  endpoint: "https://s3.example.com",
  region: "eu-central-1",
  bucket: "vaults",
  accessKeyId: "AKIAEXAMPLE",
  secretAccessKey: "planted-secret-access-key",
  sessionToken: "planted-session-token",
  prefix: "api/prod/",
  env: "prod",
  salt: "BwcHBwcHBwcHBwcHBwcHBw==",
  iterations: 3,
  kdf: "argon2id",
  memoryKiB: 65536,
  parallelism: 4,
  vault: "AAECAwQFBgcICQoLDA0ODw",
  minGen: 7,
};
const TOKEN = encodeToken(FIELDS);
const SHOWN = `v                1
endpoint         https://s3.example.com
region           eu-central-1
bucket           vaults
accessKeyId      AKIAEXAMPLE
secretAccessKey  [secret]
sessionToken     [secret]
prefix           api/prod/
env              prod
salt             BwcHBwcHBwcHBwcHBwcHBw==
iterations       3
kdf              argon2id
memoryKiB        65536
parallelism      4
vault            AAECAwQFBgcICQoLDA0ODw
minGen           7
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const shown = { stdout: SHOWN, stderr: "", exitCode: 0 };
const failed = (error: string, hint: string) => ({
  stdout: "",
  stderr: `vsync: error: ${error}\nvsync: hint: ${hint}\n`,
  exitCode: 1,
});

describe("takes the token", () => {
  test("from stdin", async () => {
    expect(await sandbox.run(["inspect"], { stdin: `${TOKEN}\n` })).toEqual(shown);
  });

  test("from VSYNC_CONFIG", async () => {
    expect(await sandbox.run(["inspect"], { env: { VSYNC_CONFIG: TOKEN } })).toEqual(shown);
  });

  test("from VSYNC_CONFIG_FILE, which goes before VSYNC_CONFIG", async () => {
    const file = await sandbox.write("work/token", `${TOKEN}\n`);
    expect(await sandbox.run(["inspect"], { env: { VSYNC_CONFIG: "x", VSYNC_CONFIG_FILE: file } })).toEqual(shown);
  });

  test("from --file, which goes before all", async () => {
    const file = await sandbox.write("work/token", `${TOKEN}\n`);
    const env = { VSYNC_CONFIG: "x", VSYNC_CONFIG_FILE: "/nowhere" };
    expect(await sandbox.run(["inspect", "--file", file], { env, stdin: "y" })).toEqual(shown);
    expect(await sandbox.run(["inspect", "--file=-"], { env, stdin: TOKEN })).toEqual(shown);
  });
});

test("--json has the same fields", async () => {
  const { stdout, stderr, exitCode } = await sandbox.run(["inspect", "--json"], { stdin: TOKEN });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(JSON.parse(stdout)).toEqual({ ...FIELDS, secretAccessKey: "[secret]", sessionToken: "[secret]" });
});

test("an endpoint's credentials are masked, and escape sequences are escaped", async () => {
  const token = encodeToken({ ...FIELDS, endpoint: "https://u:planted@s3.example.com", bucket: "\u001b[2Jvaults" });
  const { stdout } = await sandbox.run(["inspect"], { stdin: token });
  expect(stdout).toContain("endpoint         https://[secret]@s3.example.com\n");
  expect(stdout).toContain("bucket           \\x1b[2Jvaults\n");
});

describe("refuses", () => {
  const again = "mint a new one with `vsync runtime-token` and set it without changing it";
  test.each([
    [
      "nothing",
      "",
      "missing the runtime token",
      "give it on stdin, in VSYNC_CONFIG or VSYNC_CONFIG_FILE, or with --file=<file>",
    ],
    ["another envelope", "vsync-cfg-v2:abc", 'unsupported VSYNC_CONFIG envelope: expected "vsync-cfg-v1:"', again],
    [
      "a cut token",
      TOKEN.slice(0, 61),
      "invalid VSYNC_CONFIG: not a whole gzip member; it may be cut or altered",
      again,
    ],
    [
      "a wrapped token",
      `${TOKEN.slice(0, 40)}\n${TOKEN.slice(40)}`,
      "invalid VSYNC_CONFIG: what follows the envelope is not base64url; it may be cut, wrapped or quoted",
      again,
    ],
  ])("%s", async (_what, stdin, error, hint) => {
    const before = await sandbox.snapshot();
    expect(await sandbox.run(["inspect"], { stdin })).toEqual(failed(error, hint));
    expect(await sandbox.run(["inspect", "--json"], { stdin })).toEqual(failed(error, hint));
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("a file that everyone can change", async () => {
    const file = await sandbox.write("work/token", TOKEN, 0o666);
    const error = `the file that --file names, ${file}, can be changed by every user of this machine (mode 0666)`;
    expect(await sandbox.run(["inspect", `--file=${file}`])).toEqual(failed(error, "put it into a file of mode 0600"));
  });

  test("no token and a terminal: nothing waits", async () => {
    const session = await sandbox.terminal(["inspect"]);
    await session.shows("vsync: error: missing the runtime token");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 1 });
  });
});
