import { chmod, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LocalConfig } from "../../src/cli/config/config-document.ts";
import { configOn, configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { startS3rver } from "../support/s3rver.ts";
import { ROOT, type StrictS3, type StrictS3Options, startStrictS3 } from "../support/strict-s3/server.ts";
import { PASSPHRASE, type VaultFixture } from "../support/vault-fixture.ts";

const OTHER = "another passphrase entirely";

let server: StrictS3;
let sandbox: Sandbox;
beforeEach(async () => {
  server = await startStrictS3();
  sandbox = await openMachine();
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

interface Options {
  readonly on?: Sandbox;
  readonly passphrase?: string | undefined;
}

async function init(args: readonly string[] = [], { on = sandbox, passphrase = PASSPHRASE }: Options = {}) {
  const env = { VSYNC_PASSPHRASE: passphrase, VSYNC_SECRET_KEY: ROOT.secretAccessKey };
  return on.tidy(await on.run(["init", "--env=prod", ...args], { env }));
}

const bucketFlags = ({ endpoint } = server): string[] => [
  `--endpoint=${endpoint}`,
  "--bucket=strict",
  "--access-key=ROOTKEY",
];

async function push(on = sandbox, passphrase = PASSPHRASE): Promise<Transcript> {
  await on.write("work/.env.prod", "A=1\n");
  return on.tidy(await on.run(["push", "prod"], { env: { VSYNC_PASSPHRASE: passphrase } }));
}

const PROVEN = "✓ The bucket keeps conditional writes (create-only, compare-and-swap, eight-way race)\n";
const WRITTEN = "✓ Config written to <home>/.config/vsync/api/prod.json\n";
const KEPT = `${PROVEN}✓ Config for prod written; vault and passphrase are the same\n${WRITTEN}next: vsync status prod\n`;
const JOIN = "this prefix holds a vault already: give its passphrase to join it\n";

/** What must not change unless `--reset` is typed. */
const identity = ({ vault, kdf, recipient }: LocalConfig) => ({ vault, kdf, recipient });
const noConfig = async (): Promise<void> =>
  expect(Object.keys(await sandbox.snapshot()).filter((path) => path.endsWith(".json"))).toEqual(["work/package.json"]);

describe("an empty prefix", () => {
  test("is proven, and left as it was; the config is this user's alone, and has no passphrase in it", async () => {
    expect(await init([`--region=us-east-1`, ...bucketFlags()])).toEqual({
      stdout: "",
      stderr: `${PROVEN}✓ Vault for prod set up at s3://strict/api/prod/
✓ Passphrase set: it is stored nowhere, and without it the vault does not open
${WRITTEN}next: vsync push prod
`,
      exitCode: 0,
    });
    expect(server.buckets.get("strict")?.size).toBe(0);
    const path = join(sandbox.configFolder, "api", "prod.json");
    const modes = [path, dirname(path), sandbox.configFolder].map(async (it) => (await stat(it)).mode & 0o777);
    expect(await Promise.all(modes)).toEqual([0o600, 0o700, 0o700]);
    expect(await readFile(path, "utf8")).not.toContain(PASSPHRASE);
    const { endpoint, region, bucket, prefix, seenGen } = await configOn(sandbox);
    expect({ endpoint, region, bucket, prefix, seenGen }).toEqual({
      endpoint: server.endpoint,
      region: "us-east-1",
      bucket: "strict",
      prefix: "api/prod/",
      seenGen: 0,
    });
    expect((await push()).exitCode).toBe(0);
  });

  test("the passphrase is too short: 1, and no config", async () => {
    const { stderr, exitCode } = await init(bucketFlags(), { passphrase: "eleven char" });
    expect(stderr).toContain("vsync: error: the passphrase is shorter than 12 characters\n");
    expect(exitCode).toBe(1);
    await noConfig();
  });

  test("no passphrase and no terminal: 1, and every way to give one", async () => {
    const { stderr, exitCode } = await init(bucketFlags(), { passphrase: "" });
    expect(stderr.slice(PROVEN.length)).toBe(`vsync: error: missing the passphrase
vsync: hint: give it with --passphrase-file=<file> (- is stdin), VSYNC_PASSPHRASE_FILE or VSYNC_PASSPHRASE, or run this on a terminal
`);
    expect(exitCode).toBe(1);
    await noConfig();
  });

  test("two people: the second push is a conflict whose way out is to join", async () => {
    await using colleague = await openMachine();
    expect((await init(bucketFlags())).exitCode).toBe(0);
    expect((await init(bucketFlags(), { on: colleague, passphrase: OTHER })).exitCode).toBe(0);
    expect((await push(sandbox)).exitCode).toBe(0);
    const objects = [...(server.buckets.get("strict") ?? [])];
    expect(await push(colleague, OTHER)).toEqual({
      stdout: "",
      stderr: `vsync: error: another vault was pushed here since this machine ran init
vsync: hint: run \`vsync init --env=prod\` again to join it
`,
      exitCode: 5,
    });
    expect([...(server.buckets.get("strict") ?? [])]).toEqual(objects);
    expect(await init([], { on: colleague })).toEqual({
      stdout: "",
      stderr: `${PROVEN}another vault was pushed here since this machine ran init
${JOIN}✓ Joined the vault for prod at s3://strict/api/prod/ (gen=1)
${WRITTEN}next: vsync status prod
`,
      exitCode: 0,
    });
    await colleague.write("work/.env.prod", "A=2\n");
    const env = { VSYNC_PASSPHRASE: PASSPHRASE };
    expect((await colleague.run(["push", "prod"], { env })).stderr).toContain("✓ Pushed prod (gen=2): 1 changed\n");
  });
});

describe("a store that cannot hold a vault is refused, and nothing is written", () => {
  const refusal = (bucket: string, endpoint: string, reason: string, more = ""): Transcript => ({
    stdout: "",
    stderr: `vsync: error: s3://${bucket}/api/prod/ at ${endpoint} cannot hold a vault: ${reason}
vsync: hint: two writers would destroy each other's work: use a store with conditional writes (AWS S3, R2, MinIO, Ceph), or --local${more}
`,
    exitCode: 1,
  });

  test.each<[string, StrictS3Options, string, string?]>([
    [
      "it ignores all preconditions",
      { ignores: ["if-match", "if-none-match"] },
      "it lets a create-only PUT (If-None-Match: *) overwrite an object",
    ],
    [
      "it ignores If-Match",
      { ignores: ["if-match"] },
      "it lets a PUT with a stale ETag (If-Match) overwrite an object",
    ],
    [
      "it looks before it writes",
      { races: { on: ["if-none-match"], ms: 50 } },
      "of eight create-only PUTs at once not exactly one won",
      "; on Ceph, use a bucket without versioning",
    ],
  ])("%s: 1", async (_, quirks, reason, more) => {
    const quirky = await startStrictS3(quirks);
    expect(await init(bucketFlags(quirky))).toEqual(refusal("strict", quirky.endpoint, reason, more));
    expect(quirky.buckets.get("strict")?.size).toBe(0);
    await quirky.close();
    await noConfig();
  });

  test("the npm package s3rver: 1", async () => {
    await using s3rver = await startS3rver(join(sandbox.folder, "s3rver"));
    const flags = [`--endpoint=${s3rver.endpoint}`, `--bucket=${s3rver.bucket}`, "--access-key=S3RVER"];
    const env = { VSYNC_PASSPHRASE: PASSPHRASE, VSYNC_SECRET_KEY: s3rver.secretAccessKey };
    const reason = "it lets a create-only PUT (If-None-Match: *) overwrite an object";
    expect(await sandbox.run(["init", "--env=prod", ...flags], { env })).toEqual(
      refusal(s3rver.bucket, s3rver.endpoint, reason),
    );
    await noConfig();
  });

  test("the key may not write: 2", async () => {
    const reader = { ...ROOT, grants: [{ actions: ["s3:GetObject" as const, "s3:ListBucket" as const] }] };
    const strict = await startStrictS3({ users: [reader] });
    const { stderr, exitCode } = await init(bucketFlags(strict));
    expect(stderr).toMatch(
      /^vsync: error: cannot write s3:\/\/strict\/api\/prod\/probe-\w+\/single: access denied\nvsync: hint: .*vsync policy/,
    );
    expect(exitCode).toBe(2);
    await strict.close();
    await noConfig();
  });

  test("nobody is there: 3", async () => {
    const gone = await startStrictS3();
    await gone.close();
    const { stderr, exitCode } = await init(bucketFlags(gone));
    expect(stderr).toMatch(/refuses connections\nvsync: hint: /);
    expect(exitCode).toBe(3);
    await noConfig();
  });

  test("the key may not delete: a warning that names what is left", async () => {
    const actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] as const;
    const strict = await startStrictS3({ users: [{ ...ROOT, grants: [{ actions }] }] });
    const { stderr, exitCode } = await init(bucketFlags(strict));
    expect(stderr).toMatch(
      /^vsync: warning: the proof could not remove its objects: probe-\w+\/single, probe-\w+\/raced\n/,
    );
    expect(exitCode).toBe(0);
    await strict.close();
  });
});

describe("a prefix that holds a vault", () => {
  let vault: VaultFixture;
  beforeEach(async () => {
    vault = await createVaultAt(strictPlace(server));
  });

  test("is joined by its passphrase, and no second one is made", async () => {
    const before = [...(server.buckets.get("strict") ?? [])];
    expect(await init(bucketFlags())).toMatchObject({
      stderr: `${PROVEN}${JOIN}✓ Joined the vault for prod at s3://strict/api/prod/ (gen=1)\n${WRITTEN}next: vsync status prod\n`,
      exitCode: 0,
    });
    const { vault: id, kdf, seenGen } = await configOn(sandbox);
    expect({ id, seenGen }).toEqual({ id: vault.vault, seenGen: 1 });
    expect(Buffer.from(kdf.salt).toString("base64")).toBe(vault.tokenFields.salt);
    expect([...(server.buckets.get("strict") ?? [])]).toEqual(before);
  });

  test("not by another passphrase: 1, and no config", async () => {
    const { stderr, exitCode } = await init(bucketFlags(), { passphrase: OTHER });
    expect(stderr).toContain("vsync: error: wrong passphrase for api/prod\n");
    expect(exitCode).toBe(1);
    await noConfig();
  });

  test("of another env is refused: 6", async () => {
    const env = { VSYNC_PASSPHRASE: PASSPHRASE, VSYNC_SECRET_KEY: ROOT.secretAccessKey };
    const other = await sandbox.run(["init", "--env=staging", ...bucketFlags(), "--prefix=api/prod/"], { env });
    expect(other.stderr).toContain('vsync: error: the manifest is of another env than "staging"\n');
    expect(other.exitCode).toBe(6);
    await noConfig();
  });

  test("that another machine has made anew is not taken for the known one: 1", async () => {
    await configure(sandbox, strictPlace(server));
    const known = await configOn(sandbox);
    server.buckets.get("strict")?.clear();
    await createVaultAt(strictPlace(server));
    const { stderr, exitCode } = await init();
    expect(stderr).toContain("vsync: error: this prefix holds another vault\nvsync: hint: check bucket and prefix;");
    expect(exitCode).toBe(1);
    server.buckets.get("strict")?.clear();
    expect((await init()).stderr).toContain("vsync: error: the vault that this machine knows is not at this prefix\n");
    expect(await configOn(sandbox)).toEqual(known);
  });

  describe("and a teammate has rotated the passphrase", () => {
    beforeEach(async () => {
      await configure(sandbox, strictPlace(server));
    });
    const ROTATED = /^✓ The bucket .*\nthe passphrase was rotated on 20\S+Z: the new one is needed\n/;

    test("the new one is taken up, in place of the old hint", async () => {
      await vault.rotate(OTHER);
      const before = await configOn(sandbox);
      const { stderr, exitCode } = await init([], { passphrase: OTHER });
      expect(stderr).toMatch(ROTATED);
      expect(stderr).toContain("✓ Joined the vault for prod at s3://strict/api/prod/ (gen=2)\n");
      expect(exitCode).toBe(0);
      const after = await configOn(sandbox);
      expect(after).toMatchObject({ vault: before.vault, seenGen: 2 });
      expect(after.recipient).not.toEqual(before.recipient);
      expect(after.kdf.salt).not.toEqual(before.kdf.salt);
    });

    test("the old one is recognised as such: 1, and the config stays", async () => {
      await vault.rotate(OTHER);
      const before = await sandbox.snapshot();
      const { stderr, exitCode } = await init();
      expect(stderr).toMatch(ROTATED);
      expect(stderr.slice(stderr.indexOf("vsync: error"))).toBe(
        `vsync: error: this is the passphrase from before the rotation
vsync: hint: ask a teammate for the new one
`,
      );
      expect(exitCode).toBe(1);
      expect(await sandbox.snapshot()).toEqual(before);
    });

    test("without one, unattended: the config is written, and the warning says what is missing", async () => {
      await vault.rotate(OTHER);
      const before = await configOn(sandbox);
      const { stderr, exitCode } = await init(["--access-key=ROOTKEY"], { passphrase: "" });
      expect(stderr).toMatch(ROTATED);
      expect(stderr).toMatch(
        /\nvsync: warning: the passphrase was rotated on 20\S+Z: the one that this machine knows can no longer write\n✓ Config written.*\nnext: vsync init --env=prod, with the new passphrase\n$/,
      );
      expect(exitCode).toBe(0);
      expect(identity(await configOn(sandbox))).toEqual(identity(before));
    });

    test("the old one in its grace window: joined, and told until when it reads", async () => {
      await vault.rotate(OTHER, 3_600_000);
      const { stderr, exitCode } = await init();
      expect(stderr).toMatch(
        /\nvsync: warning: this passphrase was rotated away: it reads until 20\S+Z, and only the new one pushes\n/,
      );
      expect(exitCode).toBe(0);
      expect((await configOn(sandbox)).seenGen).toBe(2);
    });
  });
});

describe("run again", () => {
  test("keeps vault, salt and passphrase, and what no flag changes", async () => {
    await init(bucketFlags());
    const first = await configOn(sandbox);
    expect(await init([], { passphrase: OTHER })).toEqual({ stdout: "", stderr: KEPT, exitCode: 0 });
    expect(await configOn(sandbox)).toEqual(first);
    expect(await init(["--prefix=api/elsewhere/"])).toMatchObject({ stderr: KEPT, exitCode: 0 });
    expect(await configOn(sandbox)).toEqual({ ...first, prefix: "api/elsewhere/" });
  });

  test("takes another key", async () => {
    const other = { accessKeyId: "OTHERKEY", secretAccessKey: ROOT.secretAccessKey };
    const strict = await startStrictS3({ users: [ROOT, other] });
    await init(bucketFlags(strict));
    const first = await configOn(sandbox);
    expect((await init(["--access-key=OTHERKEY"])).exitCode).toBe(0);
    const { credentials, ...rest } = await configOn(sandbox);
    expect(credentials).toMatchObject({ accessKeyId: "OTHERKEY" });
    expect(identity({ credentials, ...rest })).toEqual(identity(first));
    await strict.close();
  });

  test("with --reset starts over: another vault, another salt", async () => {
    await init(bucketFlags());
    const first = await configOn(sandbox);
    expect((await init(["--reset"], { passphrase: OTHER })).stderr).toContain("✓ Vault for prod set up at s3://strict");
    const second = await configOn(sandbox);
    expect(second.vault).not.toBe(first.vault);
    expect(second.kdf.salt).not.toEqual(first.kdf.salt);
  });

  test("with --reset where there is a vault joins that one", async () => {
    const { vault } = await createVaultAt(strictPlace(server));
    await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw", seenGen: 9 });
    expect((await init()).exitCode).toBe(1);
    expect((await init(["--reset"])).stderr).toContain(
      "✓ Joined the vault for prod at s3://strict/api/prod/ (gen=1)\n",
    );
    expect(await configOn(sandbox)).toMatchObject({ vault, seenGen: 1 });
  });
});

describe("a config that is not to be trusted is never overwritten", () => {
  const CORRUPT = '{\n  "format": "vsync-config-v1",\n  "repo": "api"\n  "env": "prod"\n}\n';

  test.each([[[]], [["--reset"]], [["--local"]]])("a corrupt one, with %j: 4, named with its line", async (flags) => {
    await sandbox.write("home/.config/vsync/api/prod.json", CORRUPT);
    const before = await sandbox.snapshot();
    expect(await init(flags)).toEqual({
      stdout: "",
      stderr: `vsync: error: <home>/.config/vsync/api/prod.json is not JSON: line 4, column 3
vsync: hint: correct it, or move it away and run vsync init again
`,
      exitCode: 4,
    });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("one with a field that is wrong: 4, named with the field", async () => {
    const config = await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw" });
    const path = join(sandbox.configFolder, "api", "prod.json");
    const text = await readFile(path, "utf8");
    await sandbox.write("home/.config/vsync/api/prod.json", text.replace(`"${config.prefix}"`, '"no-slash"'));
    expect((await init()).stderr).toContain("prod.json is not a vsync config: see prefix\n");
  });

  test.each([
    ["the file", "api/prod.json", 0o620, "600"],
    ["its folder", "api", 0o770, "700"],
    ["all of vsync's", ".", 0o777, "700"],
  ])("%s can be changed by others: 4", async (_, path, mode, right) => {
    await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw" });
    const loose = join(sandbox.configFolder, path);
    await chmod(loose, mode);
    const before = await sandbox.snapshot();
    const { stderr, exitCode } = await init(["--reset"]);
    const shown = sandbox.tidy({ stdout: loose, stderr: "", exitCode: 0 }).stdout;
    expect(stderr).toBe(
      `vsync: error: ${shown} can be changed by other users (mode 0${mode.toString(8)})\n` +
        `vsync: hint: check its content, then chmod ${right} ${shown}\n`,
    );
    expect(exitCode).toBe(4);
    expect(await sandbox.snapshot()).toEqual(before);
  });
});

test("--local and a bucket contradict each other: 1", async () => {
  const { stderr, exitCode } = await init(["--local", "--bucket=x"]);
  expect(stderr).toContain("vsync: error: --local cannot be used together with --bucket\n");
  expect(exitCode).toBe(1);
});

test("a bucket's flags without the bucket: 1", async () => {
  expect(await init(["--access-key=K"])).toEqual({
    stdout: "",
    stderr: "vsync: error: missing --bucket\nvsync: hint: name the bucket, or give --local\n",
    exitCode: 1,
  });
});
