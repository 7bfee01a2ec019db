import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeToken } from "../../src/blob/token.ts";
import { configure, createVaultAt, openMachine, type Place, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, type StrictS3Options, startStrictS3 } from "../support/strict-s3/server.ts";
import type { User } from "../support/strict-s3/users.ts";
import { PASSPHRASE, type VaultFixture } from "../support/vault-fixture.ts";

const READER: User = {
  accessKeyId: "READERKEY",
  secretAccessKey: "reader/secret+key",
  grants: [{ actions: ["s3:GetObject"], prefix: "api/prod/" }],
};
const WRITER: User = {
  accessKeyId: "WRITERKEY",
  secretAccessKey: "writer/secret+key",
  grants: [{ actions: ["s3:GetObject", "s3:PutObject"], prefix: "api/prod/" }],
};
const DENIED = { kind: "answer", apply: false, status: 403, code: "AccessDenied" } as const;
const INSTANT = /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

let server: StrictS3;
let sandbox: Sandbox;
beforeEach(async () => {
  server = await startStrictS3({ users: [ROOT, READER, WRITER] });
  sandbox = await openMachine();
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

/** A machine that knows a vault at generation 1. */
async function prepare(place: Place = strictPlace(server)): Promise<VaultFixture> {
  const vault = await createVaultAt(place);
  await configure(sandbox, place);
  return vault;
}

const doctor = async (env = {}, ...args: readonly string[]): Promise<Transcript> => {
  const transcript = await sandbox.run(["doctor", "--env=prod", ...args], { env });
  return sandbox.tidy(transcript, { "<at>": INSTANT, "<server>": new RegExp(server.endpoint, "g") });
};

/** The lines whose state is not ✓. */
const complaints = ({ stdout }: Transcript): string[] => stdout.split("\n").filter((line) => /^[!✗]/.test(line));

function tokenOf(vault: VaultFixture, { accessKeyId, secretAccessKey }: User, changes = {}): string {
  const { endpoint, region } = server;
  const place = { endpoint, region, bucket: "strict", prefix: "api/prod/" };
  return encodeToken({ ...vault.tokenFields, ...place, accessKeyId, secretAccessKey, ...changes });
}

const CONFIG = "✓ config         <home>/.config/vsync/api/prod.json exists, and only you have access to it\n";
const STORE = `✓ store          <server> answers
✓ clock          this machine and the server agree on the time, to the minute
✓ credentials    access key ROOTKEY can read s3://strict/api/prod/
✓ preconditions  the bucket keeps create-only and compare-and-swap writes, also in a race of eight
`;
const VAULT = `✓ manifest       generation 1, <at> by ann on build-7 (push), proven by the passphrase
✓ rollback       not older than generation 1, the newest that this machine has seen
✓ access         the current passphrase reads and writes
`;
const UNPROVEN = `? manifest       generation 1, <at> by ann on build-7 (push): unproven, anyone who can write to the store can have written this
? rollback       not older than generation 1, the newest that this machine has seen
? access         the current passphrase reads and writes
`;

describe("0: nothing is bad", () => {
  test("with all that can be given", async () => {
    const vault = await prepare();
    const before = [[...(server.buckets.get("strict") ?? [])], await sandbox.snapshot()];
    const env = { VSYNC_PASSPHRASE: PASSPHRASE, VSYNC_CONFIG: tokenOf(vault, READER) };
    expect(await doctor(env)).toEqual({
      stdout: `${CONFIG}${STORE}${VAULT}✓ passphrase     opens generation 1
✓ audit          the row of generation 1 matches the manifest
✓ runtime key    the key in VSYNC_CONFIG can read the manifest and cannot write it
`,
      stderr: "",
      exitCode: 0,
    });
    expect([[...(server.buckets.get("strict") ?? [])], await sandbox.snapshot()]).toEqual(before);
  });

  test("without a passphrase and a token: never asks, and says that there is more", async () => {
    await prepare();
    const expected = {
      stdout: CONFIG + STORE + UNPROVEN,
      stderr: "with a passphrase (VSYNC_PASSPHRASE…), doctor proves each ? and checks more\n",
      exitCode: 0,
    };
    expect(await doctor()).toEqual(expected);
    const session = await sandbox.terminal(["doctor", "prod"], { showStdout: true });
    const { screen, exitCode } = await session.end();
    expect(exitCode).toBe(0);
    const lines = screen.split("\r\n").filter((line) => !line.includes("/") && line.length > 80);
    expect(lines).toEqual([]);
    expect(screen).toMatch(/\r\n {17}\S/);
  });

  test("--json for machines", async () => {
    await prepare();
    const { stdout, stderr, exitCode } = await doctor({}, "--json");
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const { checks, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ repo: "api", env: "prod", isHealthy: true });
    expect(checks.map(({ subject }: { subject: string }) => subject)).toEqual([
      "config",
      "store",
      "clock",
      "credentials",
      "preconditions",
      "manifest",
      "rollback",
      "access",
    ]);
    expect(checks[1]).toEqual({ subject: "store", state: "good", message: "<server> answers", next: null, code: null });
  });

  test("no push yet: a warning", async () => {
    await configure(sandbox, strictPlace(server));
    const transcript = await doctor();
    expect(transcript.stdout).toBe(
      `${CONFIG}${STORE}! manifest       nothing has been pushed yet; next: vsync push prod\n`,
    );
    expect(transcript.exitCode).toBe(0);
  });

  test("a vault in a directory", async () => {
    await sandbox.write("work/.env.prod", "A=1\n");
    const env = { VSYNC_PASSPHRASE: PASSPHRASE };
    for (const args of [
      ["init", "--env=prod"],
      ["push", "prod"],
    ])
      await sandbox.run(args, { env });
    const token = (await sandbox.run(["runtime-token", "--env=prod"])).stdout.trimEnd();
    const { stdout, exitCode } = await doctor({ ...env, VSYNC_CONFIG: token });
    expect(stdout.split("\n").map((line) => line.slice(0, 13).trimEnd())).toEqual([
      "✓ config",
      "✓ store",
      "✓ manifest",
      "✓ rollback",
      "✓ access",
      "✓ passphrase",
      "✓ audit",
      "✓ runtime key",
      "",
    ]);
    expect(exitCode).toBe(0);
  });
});

describe("! what is worth a look", () => {
  test("a config that others can read", async () => {
    await prepare();
    await chmod(join(sandbox.configFolder, "api", "prod.json"), 0o644);
    const path = "<home>/.config/vsync/api/prod.json";
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      `! config         ${path} can be read by other users; next: chmod 600 ${path}`,
    ]);
    expect(transcript.exitCode).toBe(0);
  });

  test.each([
    ["behind", 90_000],
    ["ahead", -90_000],
  ])("a clock that is %s by a minute or more: both times", async (_, aheadMs) => {
    const skewed = await startStrictS3({ nowMs: () => Date.now() + aheadMs });
    await prepare(strictPlace(skewed));
    const transcript = await doctor();
    const [line, ...more] = complaints(transcript);
    const [, ours, theirs] =
      /^! clock {10}this machine's clock says (\S+), the server's (\S+); next: set this machine's clock: S3/.exec(
        line ?? "",
      ) ?? [];
    expect(Math.round((Date.parse(theirs ?? "") - Date.parse(ours ?? "")) / 10_000)).toBe(aheadMs / 10_000);
    expect({ more, exitCode: transcript.exitCode }).toEqual({ more: [], exitCode: 0 });
    await skewed.close();
  });

  test("a clock that is behind by less", async () => {
    const skewed = await startStrictS3({ nowMs: () => Date.now() + 30_000 });
    await prepare(strictPlace(skewed));
    expect(complaints(await doctor())).toEqual([]);
    await skewed.close();
  });

  test("a grace window: who can still open, and until when", async () => {
    const vault = await prepare();
    await vault.rotate("another passphrase entirely", 3_600_000);
    await configure(sandbox, strictPlace(server));
    const env = { VSYNC_PASSPHRASE: PASSPHRASE };
    const transcript = await doctor(env);
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(
        /^! access {9}the current passphrase reads and writes; an earlier passphrase reads until <at>; next: vsync rotate-passphrase --env=prod --finish, once all apps have the new one$/,
      ),
      "! passphrase     opens generation 2, but only reads, until <at>; next: give the apps the new passphrase",
    ]);
    expect(transcript.exitCode).toBe(0);
  });

  test("a passphrase that was rotated since", async () => {
    const vault = await prepare();
    await vault.rotate("another passphrase entirely");
    const [line, ...more] = complaints(await doctor());
    expect(line).toMatch(
      /; the passphrase was rotated on <at>, and this machine knows the one before; next: vsync init --env=prod, with the new passphrase$/,
    );
    expect(more).toEqual([]);
  });

  test("an outstanding audit row", async () => {
    await prepare();
    server.buckets.get("strict")?.delete("api/prod/audit/000000000001");
    const transcript = await doctor({ VSYNC_PASSPHRASE: PASSPHRASE });
    expect(complaints(transcript)).toEqual([
      "! audit          the row of generation 1 is missing; next: vsync audit reconcile prod",
    ]);
    expect(transcript.exitCode).toBe(0);
  });

  test("a key that may write, and nothing was written", async () => {
    const vault = await prepare();
    const before = [...(server.buckets.get("strict") ?? [])];
    const transcript = await doctor({ VSYNC_CONFIG: tokenOf(vault, WRITER) });
    expect(complaints(transcript)).toEqual([
      "! runtime key    the key in VSYNC_CONFIG can read the manifest and write it, which it should not; next: vsync policy --env=prod --role=reader",
    ]);
    expect(transcript.exitCode).toBe(0);
    expect([...(server.buckets.get("strict") ?? [])]).toEqual(before);
  });

  test("whether a key can write is not tried where it is not safe to", async () => {
    const vault = await prepare();
    const env = {
      VSYNC_CONFIG: tokenOf(vault, WRITER, { endpoint: server.endpoint.replace("127.0.0.1", "localhost") }),
    };
    server.log.length = 0;
    expect(complaints(await doctor(env))).toEqual([
      expect.stringMatching(
        /^! runtime key {4}the key .* whether it can write was not tried: the bucket is not proven;/,
      ),
    ]);
    expect(server.log.filter(({ method, key }) => method === "PUT" && key.endsWith("manifest"))).toEqual([]);
  });

  test("a token of another env is not looked at", async () => {
    const vault = await prepare();
    const transcript = await doctor({ VSYNC_CONFIG: tokenOf(vault, READER, { env: "staging" }) });
    expect(complaints(transcript)).toEqual([
      "! runtime key    VSYNC_CONFIG is a token of env staging: not checked; next: unset it, or check that env",
    ]);
  });
});

describe("✗ the code of the first that is bad", () => {
  test("4: no config, and nothing else is looked at", async () => {
    expect(await doctor()).toEqual({
      stdout:
        "✗ config         this machine has no config for env prod of api: <home>/.config/vsync/api/prod.json is not there; " +
        "next: run vsync init --env=prod\n",
      stderr: "",
      exitCode: 4,
    });
    const { checks } = JSON.parse((await doctor({}, "--json")).stdout);
    expect(checks).toMatchObject([{ subject: "config", state: "bad", code: "LOCAL_CONFIG_MISSING" }]);
  });

  test("3: the store cannot be reached", async () => {
    await prepare();
    await server.close();
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(/^✗ store {10}cannot reach .* refuses connections; next: /),
    ]);
    expect(transcript.exitCode).toBe(3);
    server = await startStrictS3();
  });

  test("2: the credentials are wrong", async () => {
    await prepare();
    await configure(sandbox, strictPlace(server, { ...ROOT, secretAccessKey: "planted-secret" }));
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      "✗ credentials    cannot read s3://strict/api/prod/manifest: the secret key is not that of the access key; " +
        "next: check the secret access key",
    ]);
    expect(transcript.stdout + transcript.stderr).not.toContain("planted-secret");
    expect(transcript.exitCode).toBe(2);
  });

  test.each<[string, StrictS3Options, number, RegExp]>([
    [
      "1: the bucket ignores preconditions",
      { ignores: ["if-match", "if-none-match"] },
      1,
      /^✗ preconditions .* cannot hold/,
    ],
  ])("%s, and no write is tried with the runtime key", async (_, quirks, exitCode, complaint) => {
    const quirky = await startStrictS3({ ...quirks, users: [ROOT, WRITER] });
    const vault = await prepare(strictPlace(quirky));
    quirky.log.length = 0;
    const transcript = await doctor({ VSYNC_CONFIG: tokenOf(vault, WRITER, { endpoint: quirky.endpoint }) });
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(complaint),
      expect.stringMatching(/^! runtime key .* was not tried/),
    ]);
    expect(transcript.exitCode).toBe(exitCode);
    expect(quirky.log.filter(({ method, key }) => method === "PUT" && key.endsWith("manifest"))).toEqual([]);
    await quirky.close();
  });

  test("2: the config's key may not write", async () => {
    await prepare();
    server.faults.add({ method: "PUT", key: /probe-/ }, DENIED, 100);
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(/^✗ preconditions {2}cannot write .*: access denied;/),
    ]);
    expect(transcript.exitCode).toBe(2);
  });

  test("6: the manifest is damaged", async () => {
    await prepare();
    const bucket = server.buckets.get("strict");
    bucket?.set("api/prod/manifest", { bytes: Buffer.from("{}"), etag: '"x"', modifiedMs: 0 });
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([expect.stringMatching(/^✗ manifest {7}the manifest .*; next: /)]);
    expect(transcript.exitCode).toBe(6);
  });

  test("6: an older manifest was put back", async () => {
    const vault = await prepare();
    const bucket = server.buckets.get("strict");
    const old = bucket?.get("api/prod/manifest") ?? expect.unreachable("no manifest");
    await vault.push([{ name: "A", data: "1" }]);
    await configure(sandbox, strictPlace(server));
    bucket?.set("api/prod/manifest", old);
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      "✗ rollback       the store offers generation 1, generation 2 was seen before; " +
        "next: put back the newest version of the object `manifest`, from the bucket's object versions or a backup",
    ]);
    expect(transcript.exitCode).toBe(6);
  });

  test("6: a forged manifest is never good: unproven without the passphrase, bad with it", async () => {
    await prepare();
    const bucket = server.buckets.get("strict");
    const forged = Buffer.from(bucket?.get("api/prod/manifest")?.bytes ?? "");
    const at = forged.indexOf('"user":"ann"');
    forged.write('"user":"eve"', at);
    bucket?.set("api/prod/manifest", { bytes: forged, etag: '"x"', modifiedMs: 0 });
    expect((await doctor()).stdout).toContain(UNPROVEN.replace("ann", "eve"));
    const proven = await doctor({ VSYNC_PASSPHRASE: PASSPHRASE });
    expect(proven.stdout).not.toMatch(/^✓ (manifest|rollback|access)/m);
    expect(complaints(proven)).toEqual([expect.stringMatching(/^✗ passphrase {5}the manifest/)]);
    expect(proven.exitCode).toBe(6);
  });

  test("6: the manifest is gone", async () => {
    await prepare();
    server.buckets.get("strict")?.delete("api/prod/manifest");
    const transcript = await doctor();
    expect(complaints(transcript)[1]).toMatch(
      /^✗ rollback {7}the manifest is gone; this machine has seen generation 1;/,
    );
    expect(transcript.exitCode).toBe(6);
  });

  test("5: another vault was pushed since init", async () => {
    await createVaultAt(strictPlace(server));
    await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw", seenGen: 0 });
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([
      "✗ rollback       another vault was pushed here since this machine ran init; next: run `vsync init --env=prod` again to join it",
    ]);
    expect(transcript.exitCode).toBe(5);
  });

  test("1: a wrong passphrase", async () => {
    await prepare();
    const transcript = await doctor({ VSYNC_PASSPHRASE: "not the one at all" });
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(/^✗ passphrase {5}wrong passphrase for api\/prod; next: /),
    ]);
    expect(transcript.exitCode).toBe(1);
  });

  test("6: the audit row is another", async () => {
    await prepare();
    const bucket = server.buckets.get("strict");
    bucket?.set("api/prod/audit/000000000001", { bytes: Buffer.from("{}"), etag: '"x"', modifiedMs: 0 });
    const transcript = await doctor({ VSYNC_PASSPHRASE: PASSPHRASE });
    expect(complaints(transcript)).toEqual([expect.stringMatching(/^✗ audit {10}audit row 1 /)]);
    expect(transcript.exitCode).toBe(6);
  });

  test("1, 2: a runtime token that is damaged, one whose key may not read", async () => {
    const vault = await prepare();
    const damaged = await doctor({ VSYNC_CONFIG: tokenOf(vault, READER).slice(0, 60) });
    expect(complaints(damaged)).toEqual([expect.stringMatching(/^✗ runtime key {4}invalid VSYNC_CONFIG: /)]);
    expect(damaged.exitCode).toBe(1);
    const stranger = await doctor({ VSYNC_CONFIG: tokenOf(vault, { ...READER, secretAccessKey: "planted-secret" }) });
    expect(complaints(stranger)).toEqual([
      expect.stringMatching(/^✗ runtime key {4}cannot read .*: the secret key is not/),
    ]);
    expect(stranger.stdout).not.toContain("planted-secret");
    expect(stranger.exitCode).toBe(2);
  });

  test("6: a runtime token of another vault", async () => {
    const vault = await prepare();
    const transcript = await doctor({ VSYNC_CONFIG: tokenOf(vault, READER, { vault: "AAECAwQFBgcICQoLDA0ODw" }) });
    expect(complaints(transcript)).toEqual([
      expect.stringMatching(/^✗ runtime key {4}VSYNC_CONFIG is a token of vault /),
    ]);
    expect(transcript.exitCode).toBe(6);
  });

  test("3: a vault in a directory that is not there", async () => {
    await sandbox.run(["init", "--env=prod"], { env: { VSYNC_PASSPHRASE: PASSPHRASE } });
    await rm(join(sandbox.home, ".local"), { recursive: true });
    const transcript = await doctor();
    expect(complaints(transcript)).toEqual([expect.stringMatching(/^✗ store {10}the store's folder .* is not there;/)]);
    expect(transcript.exitCode).toBe(3);
  });
});

test("no --env: 1, as an error of the command", async () => {
  expect(await sandbox.run(["doctor"])).toEqual({
    stdout: "",
    stderr: "vsync: error: missing --env\nvsync: hint: name the environment with --env=<env>\n",
    exitCode: 1,
  });
});
