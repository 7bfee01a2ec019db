import { afterEach, expect, test, vi } from "vitest";
import { hpkeOpen } from "../../src/crypto/hpke.ts";
import { hpkeSeal, hpkeSealNow } from "../../src/crypto/hpke-seal.ts";
import { x25519PublicKey } from "../../src/crypto/x25519.ts";
import { rejection, seededRandom } from "../support/world.ts";
import { isZero, zeroedOf } from "../support/zeroed.ts";

const SEED = seededRandom("seed").bytes(32);
const RECIPIENT = x25519PublicKey(SEED);
const [INFO, AAD, TEXT] = [Buffer.from("info"), Buffer.from("aad"), Buffer.from("text")];

afterEach(() => {
  vi.restoreAllMocks();
});

test("opening zeroes every key on its way but the caller's", async () => {
  const sealed = await hpkeSeal(RECIPIENT, INFO, AAD, TEXT);
  const zeroed = zeroedOf(Buffer.prototype);
  expect(Buffer.from(await hpkeOpen(SEED, sealed, INFO, AAD)).toString()).toBe("text");
  // The private key as DER; the Diffie-Hellman result, two keys from it, the shared secret, the content's key.
  expect(zeroed.map(({ length }) => length)).toEqual([48, 32, 32, 32, 32, 32]);
  expect(zeroed.every(isZero)).toBe(true);
  expect(isZero(SEED)).toBe(false);
});

test("sealing zeroes every key on its way", async () => {
  const zeroed = zeroedOf(Buffer.prototype);
  await hpkeSeal(RECIPIENT, INFO, AAD, TEXT);
  // The Diffie-Hellman result, two keys from it, the shared secret, the content's key.
  expect(zeroed.map(({ length }) => length)).toEqual([32, 32, 32, 32, 32]);
  expect(zeroed.every(isZero)).toBe(true);
});

test("what this thread seals opens for its key, and under its own name", async () => {
  const sealed = hpkeSealNow(RECIPIENT, INFO, AAD, TEXT);
  expect(Buffer.from(await hpkeOpen(SEED, sealed, INFO, AAD)).toString()).toBe("text");
  expect(await rejection(hpkeOpen(SEED, sealed, INFO, TEXT))).toBeInstanceOf(Error);
});
