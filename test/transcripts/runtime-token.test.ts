import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import {
  configOn,
  configure,
  createVaultAt,
  keyOf,
  openMachine,
  strictPlace,
  tokenIn,
} from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import type { User } from "../support/strict-s3/users.ts";

const READER: User = {
  accessKeyId: "READERKEY",
  secretAccessKey: "reader/secret+key",
  grants: [{ actions: ["s3:GetObject"], prefix: "api/prod/" }],
};
const TEMPORARY: User = { ...READER, accessKeyId: "TEMPORARYKEY", sessionToken: "session-token-of-the-reader" };

let server: StrictS3;
let sandbox: Sandbox;
beforeAll(async () => {
  server = await startStrictS3({ users: [ROOT, READER, TEMPORARY] });
  await createVaultAt(strictPlace(server));
});
afterAll(() => server.close());
beforeEach(async () => {
  sandbox = await openMachine();
  await configure(sandbox, strictPlace(server));
  server.log.length = 0;
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const mint = (args: readonly string[] = [], env = {}, stdin?: string): Promise<Transcript> =>
  sandbox.run(["runtime-token", "--env=prod", ...args], { env, ...(stdin === undefined ? {} : { stdin }) });

function keysThatAsked(): string[] {
  return server.log.map(({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? "")?.[1] ?? "nobody");
}

const credentialsIn = (transcript: Transcript) => {
  const { accessKeyId, secretAccessKey, sessionToken, credentials } = tokenIn(transcript);
  return { accessKeyId, secretAccessKey, sessionToken, credentials };
};
const key = ({ accessKeyId, secretAccessKey, sessionToken }: User) => ({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  credentials: undefined,
});

describe("the fields", () => {
  test("are the config's, and stdout holds the token alone", async () => {
    const transcript = await mint();
    expect(transcript.stderr).toBe("");
    expect(tokenIn(transcript)).toEqual({
      v: 1,
      endpoint: server.endpoint,
      region: "us-east-1",
      bucket: "strict",
      accessKeyId: "ROOTKEY",
      secretAccessKey: "root/secret+key",
      prefix: "api/prod/",
      env: "prod",
      salt: expect.stringMatching(/^[\w+/]{22}==$/),
      iterations: 1,
      kdf: "argon2id",
      memoryKiB: 8192,
      parallelism: 1,
      vault: expect.stringMatching(/^[\w-]{22}$/),
      minGen: 1,
    });
  });

  test("are the flags' where they are given, and are never written back", async () => {
    const before = await sandbox.snapshot();
    const flags = ["--endpoint=https://s3.example.com/", "--region=eu-west-1", "--bucket=other", "--prefix=a/b/"];
    const transcript = await mint([...flags, "--access-key=AKIAOTHER", "--secret-key=other-secret", "--no-validate"]);
    expect(tokenIn(transcript)).toMatchObject({
      endpoint: "https://s3.example.com",
      region: "eu-west-1",
      bucket: "other",
      prefix: "a/b/",
      accessKeyId: "AKIAOTHER",
      secretAccessKey: "other-secret",
    });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test.each([
    ["--endpoint=ftp://x", "--endpoint must start with https://, http:// or file:///"],
    ["--endpoint=https://user:planted@x", "--endpoint must not carry a user or password"],
    ["--endpoint=https://x?y", "--endpoint must not have a query or fragment"],
    ["--prefix=a", "--prefix must end in /"],
    ["--prefix=a/../", "--prefix must not have a segment .."],
    ["--prefix=a\n/", "--prefix must not have control characters"],
    ["--bucket=", "--bucket must not be empty"],
    ["--region=", "--region must not be empty"],
    ["--access-key=", "the access key id must not be empty"],
    ["--access-key=a b", "the access key id must be printable ASCII without spaces"],
    ["--secret-key=", "the secret access key is empty"],
  ])("%j is refused: 1", async (flag, error) => {
    const { stdout, stderr, exitCode } = await mint([flag]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain(`vsync: error: ${error}\n`);
    expect(stderr).not.toContain("planted");
    expect(server.log).toEqual([]);
  });
});

describe("the credentials", () => {
  const secretEnv = { VSYNC_ACCESS_KEY: READER.accessKeyId, VSYNC_SECRET_KEY: READER.secretAccessKey };

  test.each<[string, readonly string[], Record<string, string>]>([
    ["flags", ["--access-key=READERKEY", "--secret-key=reader/secret+key"], {}],
    ["flags before variables", ["--access-key=READERKEY", "--secret-key=reader/secret+key"], { VSYNC_ACCESS_KEY: "X" }],
    ["variables", [], secretEnv],
    [
      "empty variables are none",
      ["--access-key=READERKEY", "--secret-key=reader/secret+key"],
      { VSYNC_SECRET_KEY: "" },
    ],
  ])("by %s: that key is proven, by one HEAD", async (_, args, env) => {
    expect(credentialsIn(await mint(args, env))).toEqual(key(READER));
    expect(server.log).toMatchObject([{ method: "HEAD", bucket: "strict", key: "api/prod/manifest", status: 200 }]);
    expect(keysThatAsked()).toEqual(["READERKEY"]);
  });

  test("the secret by file, by stdin, by a variable that names a file", async () => {
    const file = await sandbox.write("work/secret", "reader/secret+key\n");
    const id = "--access-key=READERKEY";
    expect(credentialsIn(await mint([id, `--secret-key-file=${file}`]))).toEqual(key(READER));
    expect(credentialsIn(await mint([id, "--secret-key-file=-"], {}, "reader/secret+key\n"))).toEqual(key(READER));
    expect(credentialsIn(await mint([id], { VSYNC_SECRET_KEY_FILE: file }))).toEqual(key(READER));
    expect(keysThatAsked()).toEqual(["READERKEY", "READERKEY", "READERKEY"]);
  });

  test("in argv are warned of, and not repeated", async () => {
    const { stderr } = await mint(["--access-key=READERKEY", "--secret-key=reader/secret+key"]);
    expect(stderr).toBe(
      "vsync: warning: other users of this machine can see --secret-key while the command runs: " +
        "prefer --secret-key-file\n",
    );
  });

  test("with a session token", async () => {
    const args = ["--access-key=TEMPORARYKEY", "--secret-key=reader/secret+key"];
    const given = await mint([...args, `--session-token=${TEMPORARY.sessionToken}`]);
    expect(credentialsIn(given)).toEqual(key(TEMPORARY));
    const file = await sandbox.write("work/token", `${TEMPORARY.sessionToken}\n`);
    expect(credentialsIn(await mint([...args, `--session-token-file=${file}`]))).toEqual(key(TEMPORARY));
    expect(keysThatAsked()).toEqual(["TEMPORARYKEY", "TEMPORARYKEY"]);
    expect(server.log.map(({ headers }) => headers["x-amz-security-token"])).toEqual(
      Array(2).fill(TEMPORARY.sessionToken),
    );
  });

  test("of the config keep their session token under the same key, and never lend it to another", async () => {
    const { accessKeyId, secretAccessKey } = TEMPORARY;
    await configure(sandbox, { ...strictPlace(server, TEMPORARY) }, { ...(await temporaryConfig()) });
    expect(credentialsIn(await mint())).toEqual(key(TEMPORARY));
    expect(credentialsIn(await mint([`--access-key=${accessKeyId}`]))).toEqual(key(TEMPORARY));
    const other = await mint(["--access-key=READERKEY", `--secret-key=${secretAccessKey}`]);
    expect(credentialsIn(other)).toEqual(key(READER));
    const missing = await mint(["--access-key=READERKEY"]);
    expect(missing).toMatchObject({ stdout: "", exitCode: 1 });
    expect(missing.stderr).toContain("vsync: error: missing the secret access key\n");
  });

  async function temporaryConfig() {
    const { vault, kdf, recipient, seenGen } = await configOn(sandbox);
    const sessionToken = Secret.ofText(TEMPORARY.sessionToken ?? "");
    return { vault, kdf, recipient, seenGen, credentials: { ...keyOf(TEMPORARY), sessionToken } };
  }

  test("--ambient: the platform's own chain is proven, and the token has none", async () => {
    const env = { AWS_ACCESS_KEY_ID: READER.accessKeyId, AWS_SECRET_ACCESS_KEY: READER.secretAccessKey };
    const transcript = await mint(["--ambient"], env);
    expect(credentialsIn(transcript)).toEqual({ credentials: "ambient" });
    expect(transcript.stderr).toBe("");
    expect(keysThatAsked()).toEqual(["READERKEY"]);
  });

  test("--ambient together with a key: 1", async () => {
    expect(await mint(["--ambient", "--access-key=X"])).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test("--ambient, and the machine has none: 2", async () => {
    const transcript = await mint(["--ambient"], { AWS_EC2_METADATA_DISABLED: "true" });
    expect(transcript).toEqual({
      stdout: "",
      stderr:
        "vsync: error: cannot read s3://strict/api/prod/manifest: no ambient credentials on this machine\n" +
        "vsync: hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role\n",
      exitCode: 2,
    });
  });
});

describe("--json", () => {
  const rule = "!".repeat(72);

  test("also shows on stderr what the token holds, under a loud banner", async () => {
    const { stdout, stderr, exitCode } = await mint(["--json"]);
    const plain = await mint();
    expect({ stdout, exitCode }).toEqual({ stdout: plain.stdout, exitCode: 0 });
    const [first, banner, last, json, ...rest] = stderr.split("\n");
    expect([first, last, rest]).toEqual([rule, rule, [""]]);
    expect(banner).toBe("!! THE NEXT LINE CONTAINS YOUR AWS SECRET ACCESS KEY: do not log, paste or store it");
    expect(JSON.parse(json ?? "")).toEqual(tokenIn(plain));
  });

  test("the banner tells what is there: no key in an ambient token", async () => {
    const { stderr } = await mint(["--json", "--ambient", "--no-validate"]);
    expect(stderr).toContain("!! THE NEXT LINE IS WHAT THE TOKEN HOLDS");
    expect(stderr).not.toContain("secretAccessKey");
  });

  test("shows nothing where the token is refused", async () => {
    const { stdout, stderr, exitCode } = await mint(["--json", "--access-key=X", "--secret-key=planted-secret"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).not.toContain("planted-secret");
    expect(stderr).not.toContain(rule);
  });
});

test("a token longer than AWS Lambda allows is warned of", async () => {
  const long = randomBytes(4000).toString("base64url");
  const file = await sandbox.write("work/token", long);
  const transcript = await mint([`--session-token-file=${file}`, "--no-validate"]);
  expect(tokenIn(transcript).sessionToken).toBe(long);
  const bytes = transcript.stdout.trimEnd().length;
  expect(transcript.stderr).toBe(
    `vsync: warning: the token has ${bytes} bytes: AWS Lambda allows 4096 for all variables together\n`,
  );
});

describe("on a terminal", () => {
  test("asks for the credentials that the config does not have, never on stdout, and stores them nowhere", async () => {
    await configure(sandbox, strictPlace(server), { credentials: "ambient" });
    const before = await sandbox.snapshot();
    const session = await sandbox.terminal(["runtime-token", "--env=prod"]);
    await session.shows("Access key id:");
    session.answer("READERKEY");
    await session.shows("Secret access key:");
    session.answer("reader/secret+key");
    const { stdout, screen, exitCode, isRestored } = await session.end();
    expect({ exitCode, isRestored }).toEqual({ exitCode: 0, isRestored: true });
    expect(credentialsIn({ stdout, stderr: "", exitCode })).toEqual(key(READER));
    expect(screen).not.toContain("reader/secret+key");
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("asks for the secret alone where the key is given", async () => {
    const session = await sandbox.terminal(["runtime-token", "--env=prod", "--access-key=READERKEY"]);
    await session.shows("Secret access key:");
    session.answer("reader/secret+key");
    const { stdout, exitCode, screen } = await session.end();
    expect(credentialsIn({ stdout, stderr: "", exitCode })).toEqual(key(READER));
    expect(screen).not.toContain("Access key id");
  });

  test("Ctrl-C: 130, nothing on stdout, the terminal as it was", async () => {
    await configure(sandbox, strictPlace(server), { credentials: "ambient" });
    server.log.length = 0;
    const session = await sandbox.terminal(["runtime-token", "--env=prod"]);
    await session.shows("Access key id:");
    session.press("\u0003");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 130, isRestored: true });
    expect(server.log).toEqual([]);
  });
});
