import { beforeAll, expect, test, vi } from "vitest";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { rejection, World } from "../support/world.ts";

let world: World;
/** Of generation 2 and 3. */
let older: Manifest;
let manifest: Manifest;
beforeAll(async () => {
  world = await World.pushed({ A: "1" });
  await world.push({ A: "2" });
  ({ manifest: older } = await world.open());
  await world.push({ A: "3" });
  ({ manifest } = await world.open());
});

function storeWith(objects: Readonly<Record<string, Uint8Array | null>>) {
  const { store } = world.fork();
  for (const [key, bytes] of Object.entries(objects)) {
    if (bytes === null) store.bucket.delete(key);
    else store.bucket.set(key, { bytes, version: key });
  }
  return store;
}

test("only what can be as new as the manifest is listed, under the caller's signal", async () => {
  const { store } = world.fork();
  const list = vi.spyOn(store, "list");
  const { signal } = new AbortController();
  await verifyAudit(store, manifest, { signal });
  expect(list.mock.calls).toEqual([["audit/", { signal, startAfter: auditKey(2) }]]);
});

test("another name beside a row that is outstanding is not taken for it", async () => {
  const store = storeWith({ [auditKey(3)]: null, [`${auditKey(3)}.bak`]: new Uint8Array() });
  expect(await verifyAudit(store, manifest)).toMatchObject({ outstanding: 3, rows: { length: 2 } });
});

test("a row newer than a manifest that has since been removed is the fault", async () => {
  expect(await rejection(verifyAudit(storeWith({ [MANIFEST_KEY]: null }), older))).toMatchObject({
    name: "AuditBrokenError",
    row: 3,
    message: "audit row 3 is newer than the manifest: manifest rolled back",
    hint: "an older manifest was put back: look at who can write the bucket, then restore the newest manifest's version",
  });
});

test.each([
  [1024 * 1024, "audit row 3 is not a signed note"],
  [1024 * 1024 + 1, "audit row 3 is larger than 1 MiB"],
])("a row of %i bytes: %s", async (length, message) => {
  const store = storeWith({ [auditKey(3)]: new Uint8Array(length).fill(0x20) });
  expect(await rejection(verifyAudit(store, manifest))).toMatchObject({ name: "AuditBrokenError", row: 3, message });
});
