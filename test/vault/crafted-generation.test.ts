import { expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { openGeneration } from "../../src/vault/audit/older-generation.ts";
import { commitGeneration } from "../../src/vault/commit/commit.ts";
import { baseOn } from "../../src/vault/commit/draft.ts";
import type { BundleHeader } from "../../src/vault/format/bundle-header.ts";
import { encodeManifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { holding } from "../support/passphrases.ts";
import { ACTOR, OLD, rejection, secretsOf, World } from "../support/world.ts";

/** A vault at generation 2, whose first one was written, well signed, with another header than this version writes. */
async function worldWithFirst(change: (header: BundleHeader) => object): Promise<World> {
  const world = await World.pushed({ A: "1" });
  const { vault, signingKey } = await world.writable();
  const { key } = vault.manifest.bundle;
  const bytes = world.store.bucket.get(key)?.bytes ?? expect.unreachable();
  const end = bytes.indexOf(0x0a);
  const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as BundleHeader;
  const bundle = Buffer.concat([Buffer.from(JSON.stringify({ ...header, ...change(header) })), bytes.subarray(end)]);
  const manifest = { ...vault.manifest, bundle: { key, size: bundle.length, sha256: sha256Hex(bundle) } };
  const sha256 = put(world, MANIFEST_KEY, encodeManifest(manifest, signingKey));
  put(world, key, bundle);
  world.store.bucket.delete(auditKey(1));
  const base = baseOn({ manifest, sha256, version: sha256, signingKey });
  const { items } = vault.bundle;
  const draft = { action: "push", actor: ACTOR, meta: {}, items, unlock: vault.manifest.unlock, signingKey };
  await commitGeneration(world, base, { ...draft, rotates: false });
  return world;
}

function put(world: World, key: string, bytes: Uint8Array): string {
  const version = sha256Hex(bytes);
  world.store.bucket.set(key, { bytes, version });
  return version;
}

async function firstOf(world: World, passphrase: string): Promise<unknown> {
  const { manifest } = await world.open();
  const request = { gen: 1, holder: holding(passphrase) };
  return secretsOf((await openGeneration(world.store, manifest, request)).items);
}

test("an old generation opens by the slot that is the passphrase's, past those of unknown holders", async () => {
  const world = await worldWithFirst(({ slots }) => ({ slots: [{ id: "ci", items: ["A"] }, ...slots] }));
  expect(await firstOf(world, OLD)).toEqual({ A: "1" });
  expect(await rejection(firstOf(world, "wrong"))).toMatchObject({ name: "WrongPassphraseError" });
});

test("one whose slot opens and whose index does not is corrupt, and another passphrase would not help", async () => {
  const zeros = ({ index }: BundleHeader): string => Buffer.from(index, "base64").fill(0).toString("base64");
  const world = await worldWithFirst((header) => ({ index: zeros(header) }));
  expect(await rejection(firstOf(world, OLD))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle's index does not decrypt",
  });
});

test("one of a slot whose key derivation is out of bounds is corrupt before anything is derived", async () => {
  const costly = ({ slots }: BundleHeader) =>
    slots.map((slot) => ({ ...slot, kdf: { ...(slot["kdf"] as object), iterations: 17 } }));
  const world = await worldWithFirst((header) => ({ slots: costly(header) }));
  expect(await rejection(firstOf(world, OLD))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle is refused: key derivation iterations is 17, outside 1…16",
  });
});
