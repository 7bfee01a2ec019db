import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configOn, configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { PASSPHRASE, type VaultFixture } from "../support/vault-fixture.ts";

const OTHER = "another passphrase entirely";
const INSTANT = /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

let server: StrictS3;
let sandbox: Sandbox;
let vault: VaultFixture;
beforeEach(async () => {
  server = await startStrictS3();
  sandbox = await openMachine();
  vault = await createVaultAt(strictPlace(server));
  await configure(sandbox, strictPlace(server));
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

const NAMES = () => ({ "<at>": INSTANT, "<server>": new RegExp(server.endpoint, "g"), "<id>": /[\w-]{22}$/gm });
const status = async (args: readonly string[], env = {}): Promise<Transcript> =>
  sandbox.tidy(await sandbox.run(["status", "--remote", ...args], { env }), NAMES());

const shown = (seen: number, remote: string): string => `repo             api
env              prod
store            <server>/strict/api/prod/
region           us-east-1
credentials      ROOTKEY
vault            <id>
generation seen  ${seen}
${remote}config           <home>/.config/vsync/api/prod.json
`;
const UNVERIFIED = "verified         no: without a passphrase anyone can have written this\n";
const VERIFIED = "verified         yes, by the passphrase\n";
const FIRST = `in the store     1
committed        <at> by ann on build-7 (push)
rotated          <at>
access           the current passphrase reads and writes
`;

describe("of one environment", () => {
  test("without a passphrase: unverified, and says so", async () => {
    expect(await status(["prod"])).toEqual({ stdout: shown(1, FIRST + UNVERIFIED), stderr: "", exitCode: 0 });
  });

  test("with a passphrase: verified, and the generation is remembered", async () => {
    await vault.push([{ name: "A", data: "1" }]);
    const second = FIRST.replace(" 1", " 2");
    const env = { VSYNC_PASSPHRASE: PASSPHRASE };
    expect(await status(["prod"])).toMatchObject({ stdout: shown(1, second + UNVERIFIED) });
    expect((await configOn(sandbox)).seenGen).toBe(1);
    expect(await status(["prod"], env)).toEqual({ stdout: shown(2, second + VERIFIED), stderr: "", exitCode: 0 });
    expect((await configOn(sandbox)).seenGen).toBe(2);
  });

  test("who can still open it, and until when", async () => {
    await vault.rotate(OTHER, 3_600_000);
    const { stdout, exitCode } = await status(["prod"]);
    expect(stdout).toMatch(
      /^access {11}the current passphrase reads and writes; an earlier passphrase reads until <at>$/m,
    );
    expect(exitCode).toBe(0);
  });

  test("--json for machines", async () => {
    await vault.rotate(OTHER, 3_600_000);
    const { stdout } = await status(["prod", "--json"]);
    const [{ remote }] = JSON.parse(stdout).vaults;
    expect(remote).toEqual({
      gen: 2,
      at: "<at>",
      action: "rotate",
      actor: { user: "ann", host: "build-7", tool: "vsync/test" },
      rotatedAt: "<at>",
      slots: [
        { slot: expect.any(String), access: "read-write", until: null },
        { slot: "p1", access: "read", until: "<at>" },
      ],
      isVerified: false,
    });
  });

  test("nothing pushed yet", async () => {
    await configure(sandbox, { ...strictPlace(server), prefix: "api/none/" });
    const { stdout, exitCode } = await status(["prod"], { VSYNC_PASSPHRASE: PASSPHRASE });
    expect(stdout).toContain("in the store     nothing: no push yet\n");
    expect(exitCode).toBe(0);
    const [{ remote }] = JSON.parse((await status(["prod", "--json"])).stdout).vaults;
    expect(remote).toBeNull();
  });

  test("without --remote nothing is asked", async () => {
    server.log.length = 0;
    await sandbox.run(["status", "prod"]);
    expect(server.log).toEqual([]);
  });
});

describe("fails, with nothing on stdout", () => {
  test("a wrong passphrase: 1", async () => {
    const { stdout, stderr, exitCode } = await status(["prod"], { VSYNC_PASSPHRASE: OTHER });
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain("vsync: error: wrong passphrase for api/prod\n");
  });

  test("the key may not read: 2", async () => {
    await configure(sandbox, strictPlace(server, { ...ROOT, secretAccessKey: "planted-secret" }));
    const { stdout, stderr, exitCode } = await status(["prod"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).not.toContain("planted-secret");
  });

  test("no store: 3", async () => {
    await server.close();
    expect(await status(["prod"])).toMatchObject({ stdout: "", exitCode: 3 });
    server = await startStrictS3();
  });

  test("an older manifest, or none where there was one: 6", async () => {
    await configure(sandbox, strictPlace(server), { seenGen: 5 });
    const older = await status(["prod"]);
    expect(older.stderr).toContain("vsync: error: the store offers generation 1, generation 5 was seen before\n");
    expect(older).toMatchObject({ stdout: "", exitCode: 6 });
    server.buckets.get("strict")?.clear();
    const gone = await status(["prod"]);
    expect(gone.stderr).toContain("vsync: error: the manifest is gone; this machine has seen generation 5\n");
    expect(gone).toMatchObject({ stdout: "", exitCode: 6 });
  });

  test("another vault since init: 5", async () => {
    await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw" });
    const { stderr, exitCode } = await status(["prod"]);
    expect(stderr).toContain("vsync: error: another vault was pushed here since this machine ran init\n");
    expect(exitCode).toBe(5);
  });
});

test("of all environments: what each store says, and which cannot be asked", async () => {
  const gone = { ...strictPlace(server), endpoint: "http://127.0.0.1:1" };
  await configure(sandbox, gone, { env: "dev", vault: "AAECAwQFBgcICQoLDA0ODw" });
  await configure(sandbox, { ...strictPlace(server), prefix: "api/none/" }, { env: "staging" });
  const { stdout, stderr, exitCode } = await status([], { VSYNC_PASSPHRASE: PASSPHRASE });
  expect(stdout.replaceAll(/ {2,}/g, "  ")).toBe(`dev  0  http://127.0.0.1:1/strict/api/prod/  -  -
prod  1  <server>/strict/api/prod/  1  <at> by ann on build-7 (push)
staging  0  <server>/strict/api/none/  nothing  -
`);
  expect(stderr).toMatch(
    /^vsync: warning: dev: cannot read s3:\/\/strict\/api\/prod\/manifest: .* refuses connections\n$/,
  );
  expect(exitCode).toBe(0);
});
