import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import type { Fault } from "../support/strict-s3/faults.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { PASSPHRASE, type VaultFixture } from "../support/vault-fixture.ts";

/** The three writes of a push, by their keys. */
const WRITES: readonly (readonly [string, RegExp])[] = [
  ["bundle", /^api\/prod\/v=/],
  ["manifest", /^api\/prod\/manifest$/],
  ["audit row", /^api\/prod\/audit\//],
];
/** What becomes of an answer to a write that has been applied. */
const LOST: readonly (readonly [string, Fault])[] = [
  ["the connection is dropped", { kind: "drop", apply: true }],
  ["a proxy answers 502", { kind: "answer", apply: true, status: 502, body: "bad gateway" }],
  ["the server answers 500", { kind: "answer", apply: true, status: 500, code: "InternalError" }],
];

let server: StrictS3;
let sandbox: Sandbox;
let vault: VaultFixture;
beforeEach(async () => {
  server = await startStrictS3();
  sandbox = await openMachine();
  vault = await createVaultAt(strictPlace(server));
  await configure(sandbox, strictPlace(server));
  await sandbox.write("work/.env.prod", "A=1\n");
  server.log.length = 0;
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

const push = (): Promise<Transcript> =>
  sandbox.run(["push", "prod", "--yes"], { env: { VSYNC_PASSPHRASE: PASSPHRASE } });
const keys = (): string[] => [...(server.buckets.get("strict")?.keys() ?? [])].toSorted();
const DONE = "✓ Pushed prod (gen=2): 1 added, 1 removed\n";

/** Every object of two generations, each once, and whole. */
async function expectTwoGenerations(): Promise<void> {
  expect(server.faults.pending).toBe(0);
  expect(keys()).toEqual([
    "api/prod/audit/000000000001",
    "api/prod/audit/000000000002",
    "api/prod/manifest",
    expect.stringMatching(/^api\/prod\/v=/),
    expect.stringMatching(/^api\/prod\/v=/),
  ]);
  const env = { VSYNC_PASSPHRASE: PASSPHRASE };
  expect(await sandbox.run(["get", "prod", "A"], { env })).toMatchObject({ stdout: "1\n", exitCode: 0 });
  expect(await sandbox.run(["audit", "verify", "prod"], { env })).toMatchObject({ exitCode: 0 });
}

describe.each(WRITES)("the answer to the write of the %s is lost", (_, key) => {
  test.each(LOST)("%s: pushed once", async (_lost, fault) => {
    server.faults.add({ method: "PUT", key }, fault);
    const { stdout, stderr, exitCode } = await push();
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
    expect(stderr).toContain(DONE);
    expect(stderr).not.toContain("warning");
    const written = server.log.filter(({ method, key: at }) => method === "PUT" && key.test(at));
    expect(written).toHaveLength(1);
    await expectTwoGenerations();
  });
});

/** The store says that it has not done what it has done. */
const DENIED_YET_DONE: readonly (readonly [string, Fault])[] = [
  ["503 SlowDown", { kind: "answer", apply: true, status: 503, code: "SlowDown" }],
  ["429 TooManyRequests", { kind: "answer", apply: true, status: 429, code: "TooManyRequests" }],
];

describe.each(WRITES)("the write of the %s is applied", (_, key) => {
  test.each(DENIED_YET_DONE)("and answered with %s: pushed once, and no conflict with itself", async (_said, fault) => {
    server.faults.add({ method: "PUT", key }, fault);
    const { stdout, stderr, exitCode } = await push();
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
    expect(stderr).toContain(DONE);
    expect(stderr).not.toContain("warning");
    const written = server.log.filter(({ method, key: at }) => method === "PUT" && key.test(at));
    expect(written.map(({ status }) => status)).toEqual([fault.kind === "answer" ? fault.status : 0, 412]);
    await expectTwoGenerations();
  });
});

test("all three are lost in one push: pushed once", async () => {
  for (const [, key] of WRITES) server.faults.add({ method: "PUT", key }, { kind: "drop", apply: true });
  expect(await push()).toMatchObject({ stdout: "", exitCode: 0 });
  expect(server.log.filter(({ method }) => method === "PUT")).toHaveLength(3);
  await expectTwoGenerations();
});

test("the first push, its manifest's answer lost: pushed once", async () => {
  server.buckets.get("strict")?.clear();
  await configure(sandbox, strictPlace(server), { ...(await identity()), seenGen: 0 });
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, { kind: "drop", apply: true });
  const { stderr, exitCode } = await push();
  expect(stderr).toContain("✓ Pushed prod (gen=1): 1 added\n");
  expect(exitCode).toBe(0);
  expect(keys()).toEqual(["api/prod/audit/000000000001", "api/prod/manifest", expect.stringMatching(/^api\/prod\/v=/)]);
});

async function identity() {
  const { iterations, memoryKiB, parallelism, salt } = vault.tokenFields;
  const kdf = { salt: Buffer.from(salt, "base64"), iterations, memoryKiB, parallelism };
  const { recipient } = await derivePassphraseKey(Secret.ofText(PASSPHRASE), kdf);
  return { vault: vault.vault, kdf, recipient };
}

test("the answer to the swap is lost, and the store stays away: 3, and it says that the outcome is not known", async () => {
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, { kind: "drop", apply: true });
  server.faults.add({ method: "GET", key: "api/prod/manifest" }, { kind: "delay", ms: 0 });
  server.faults.add({ method: "GET", key: "api/prod/manifest" }, { kind: "drop", apply: false }, 100);
  const { stdout, stderr, exitCode } = await push();
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 3 });
  expect(stderr).toContain("vsync: error: generation 2 may or may not have been committed: ");
  expect(stderr).toContain("vsync: hint: run `vsync status --remote` once the store answers");
  server.faults.clear();
  const status = await sandbox.run(["status", "prod", "--remote"]);
  expect(status.stdout).toMatch(/^in the store {5}2$/m);
});
