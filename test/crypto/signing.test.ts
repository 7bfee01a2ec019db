import { afterEach, expect, test, vi } from "vitest";
import {
  generateSigningKey,
  importSigningKey,
  seedOf,
  signEd25519,
  signingKeyOfSeed,
  verifyEd25519,
} from "../../src/crypto/signing.ts";
import { BundleCorruptError } from "../../src/errors.ts";
import { isZero, zeroedOf } from "../support/zeroed.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("survives its PKCS#8 form and signs the same bytes alike", () => {
  const key = generateSigningKey();
  const again = importSigningKey(key.exportPkcs8());
  const message = Buffer.from("message");
  expect(again.publicKey).toEqual(key.publicKey);
  expect(hex(signEd25519(again, message))).toBe(hex(signEd25519(key, message)));
  expect(verifyEd25519(key.publicKey, message, signEd25519(key, message))).toBe(true);
  expect(verifyEd25519(generateSigningKey().publicKey, message, signEd25519(key, message))).toBe(false);
});

test("is refused in any other PKCS#8 form", () => {
  const pkcs8 = generateSigningKey().exportPkcs8();
  const altered = [pkcs8.subarray(1), Buffer.concat([pkcs8, Buffer.of(0)]), new Uint8Array(48), new Uint8Array()];
  for (const it of altered) expect(() => importSigningKey(it)).toThrow(BundleCorruptError);
});

test("is made of its seed, whose copies are zeroed, and gives it back", () => {
  const seed = new Uint8Array(32).fill(7);
  const zeroed = zeroedOf(Buffer.prototype);
  const key = signingKeyOfSeed(seed);
  // The seed as DER.
  expect(zeroed.map(({ length }) => length)).toEqual([48]);
  expect(zeroed.every(isZero)).toBe(true);
  vi.restoreAllMocks();
  expect(hex(seedOf(key))).toBe(hex(seed));
  expect(hex(seedOf(generateSigningKey()))).not.toBe(hex(seed));
});
