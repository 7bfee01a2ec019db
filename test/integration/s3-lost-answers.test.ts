import { afterEach, beforeEach, expect, test } from "vitest";
import { configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

/** The three writes of a push, by key. */
const WRITES = [/^api\/prod\/v=/, /^api\/prod\/manifest$/, /^api\/prod\/audit\//];
let server: StrictS3;
let sandbox: Sandbox;
beforeEach(async () => {
  server = await startStrictS3();
  sandbox = await openMachine();
  await createVaultAt(strictPlace(server));
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

test("the swap is applied, and answered with 503: pushed once, and no conflict with itself", async () => {
  const fault = { kind: "answer", apply: true, status: 503, code: "SlowDown" } as const;
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, fault);
  const { stdout, stderr, exitCode } = await push();
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  expect(stderr).toContain(DONE);
  expect(stderr).not.toContain("warning");
  const written = server.log.filter(({ method, key }) => method === "PUT" && key === "api/prod/manifest");
  expect(written.map(({ status }) => status)).toEqual([503, 412]);
  await expectTwoGenerations();
});

test("all three are lost in one push: pushed once", async () => {
  for (const key of WRITES) server.faults.add({ method: "PUT", key }, { kind: "drop", apply: true });
  expect(await push()).toMatchObject({ stdout: "", exitCode: 0 });
  expect(server.log.filter(({ method }) => method === "PUT")).toHaveLength(3);
  await expectTwoGenerations();
});

test("the answer to the swap is lost and the store stays down: 3, and the outcome is reported as unknown", async () => {
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, { kind: "drop", apply: true });
  server.faults.add({ method: "GET", key: "api/prod/manifest" }, { kind: "delay", ms: 0 });
  server.faults.add({ method: "GET", key: "api/prod/manifest" }, { kind: "drop", apply: false }, 100);
  const { stdout, stderr, exitCode } = await push();
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 3 });
  expect(stderr).toContain("vsync: error: generation 2 may or may not have been committed: ");
  expect(stderr).toMatch(/vsync: hint: .*`vsync status .*--remote/);
  server.faults.clear();
  const status = await sandbox.run(["status", "prod", "--remote"]);
  expect(status.stdout).toMatch(/^in the store {5}2$/m);
});
