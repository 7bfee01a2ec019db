import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configure, createVaultAt, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import type { User } from "../support/strict-s3/users.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

const READER: User = {
  accessKeyId: "READERKEY",
  secretAccessKey: "reader/secret+key",
  grants: [{ actions: ["s3:GetObject", "s3:ListBucket"], prefix: "api/prod/" }],
};
const STRANGER: User = { accessKeyId: "STRANGERKEY", secretAccessKey: "stranger/secret+key", grants: [] };
const CONFLICT = { kind: "answer", apply: false, status: 412, code: "PreconditionFailed" } as const;

let server: StrictS3;
let sandbox: Sandbox;
beforeEach(async () => {
  server = await startStrictS3({ users: [ROOT, READER, STRANGER] });
  sandbox = await openMachine();
  await createVaultAt(strictPlace(server));
  await configure(sandbox, strictPlace(server));
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

const EXPORT = ["export", "prod", "--format=json", "--out=out.json"];
const IMPORT = ["import", "prod", "--from=-", "--format=docker"];

const run = (args: readonly string[]): Promise<Transcript> =>
  sandbox.run(args, { stdin: "ADDED=planted\n", env: { VSYNC_PASSPHRASE: PASSPHRASE } });
/** The generation that the manifest names, as S3 has it: its ETag. */
const manifest = () => server.buckets.get("strict")?.get("api/prod/manifest")?.etag;

async function ends(args: readonly string[], exitCode: number): Promise<void> {
  const before = manifest();
  const ran = await run(args);
  expect(ran).toMatchObject({ stdout: "", exitCode });
  expect(ran.stderr).toMatch(/^vsync: error: .+\nvsync: hint: .+\n$/m);
  expect(ran.stderr).not.toContain("planted");
  expect(manifest()).toBe(before);
  expect(await readdir(sandbox.work)).toEqual(["package.json"]);
}

test("0: over S3, too", async () => {
  expect((await run(IMPORT)).stderr).toBe("  + ADDED\n✓ Imported into prod (gen=2): 1 added\n");
  expect((await run(["export", "prod", "--format=docker", "--only=ADDED"])).stdout).toBe("ADDED=planted\n");
});

test("2: the key may not read; it may not write", async () => {
  await configure(sandbox, strictPlace(server, READER));
  await ends(IMPORT, 2);
  expect(await run(["export", "prod", "--format=json"])).toMatchObject({ exitCode: 0, stderr: "" });
  await configure(sandbox, strictPlace(server, STRANGER));
  await ends(EXPORT, 2);
  await ends(IMPORT, 2);
});

test("3: nobody answers", async () => {
  await server.close();
  await ends(EXPORT, 3);
  await ends(IMPORT, 3);
  server = await startStrictS3();
});

test("5: somebody else is faster", async () => {
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, CONFLICT);
  await ends(IMPORT, 5);
  server.faults.add({ method: "PUT", key: "api/prod/manifest" }, CONFLICT);
  await ends([...IMPORT, "--replace"], 5);
});

test("6: the bundle is not what the manifest says", async () => {
  const bucket = server.buckets.get("strict");
  for (const [key, object] of bucket ?? []) {
    if (key.startsWith("api/prod/v=")) bucket?.set(key, { ...object, bytes: object.bytes.map((byte) => byte ^ 1) });
  }
  await ends(EXPORT, 6);
  await ends(IMPORT, 6);
});
