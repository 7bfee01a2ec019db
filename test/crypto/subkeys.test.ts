import { expect, test } from "vitest";
import {
  deriveBoxKey,
  deriveIndexKey,
  deriveRootKey,
  deriveSigningBoxKey,
  deriveViewKey,
  endorsementOf,
  hkdf,
  itemKeysOf,
} from "../../src/crypto/subkeys.ts";

const KEY = new Uint8Array(32).fill(7);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("all differ, from each other and from their parent", () => {
  const root = deriveRootKey(KEY);
  const all = [
    KEY,
    root,
    deriveSigningBoxKey(KEY),
    deriveIndexKey(root),
    itemKeysOf(root)("0000000000000000"),
    itemKeysOf(root)("0000000000000001"),
    deriveViewKey(root, "0000000000000000"),
    deriveViewKey(root, "0000000000000001"),
    deriveBoxKey(KEY, "roll"),
    deriveBoxKey(KEY, "verify"),
    deriveIndexKey(KEY),
    deriveSigningBoxKey(root),
  ];
  expect(new Set(all.map(hex)).size).toBe(all.length);
  for (const key of all) expect(key).toHaveLength(32);
});

test("an endorsement depends on passphrase, vault, slot and signer", () => {
  const of = (mac: Uint8Array, vault: string, slot: string, signer: string) =>
    hex(endorsementOf(mac, { vault, slot, signer }));
  const all = [of(KEY, "v", "p1", "s"), of(KEY, "w", "p1", "s"), of(KEY, "v", "p2", "s"), of(KEY, "v", "p1", "t")];
  expect(new Set([...all, of(new Uint8Array(32), "v", "p1", "s")]).size).toBe(5);
});

test("a derivation leaves no copy of its key in the memory that buffers share", () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 251);
  const pool = Buffer.from(Buffer.allocUnsafe(1).buffer);
  hkdf(key, "info");
  expect(pool.includes(Buffer.from(key.buffer))).toBe(false);
});
