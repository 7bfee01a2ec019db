import { afterEach, expect, onTestFinished, test, vi } from "vitest";
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

test("opening zeroes every intermediate key, but not the caller's", async () => {
  const sealed = await hpkeSeal(RECIPIENT, INFO, AAD, TEXT);
  const zeroed = zeroedOf(Buffer.prototype);
  expect(Buffer.from(await hpkeOpen(SEED, sealed, INFO, AAD)).toString()).toBe("text");
  // The private key as DER; the Diffie-Hellman result, two keys from it, the shared secret, the content's key.
  expect(zeroed.map(({ length }) => length)).toEqual([48, 32, 32, 32, 32, 32]);
  expect(zeroed.every(isZero)).toBe(true);
  expect(isZero(SEED)).toBe(false);
});

test("sealing zeroes every intermediate key", async () => {
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

test("a Worker, which has no X25519 of Node.js, seals and opens the same, and zeroes its keys", async () => {
  const sealed = hpkeSealNow(RECIPIENT, INFO, AAD, TEXT);
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  onTestFinished(() => void vi.unstubAllGlobals());
  const zeroed = zeroedOf(Uint8Array.prototype);
  const own = hpkeSealNow(RECIPIENT, INFO, AAD, TEXT);
  // The ephemeral private key, and the Diffie-Hellman result.
  expect(zeroed.map(({ length }) => length)).toEqual([32, 32]);
  for (const it of [sealed, own]) expect(Buffer.from(await hpkeOpen(SEED, it, INFO, AAD)).toString()).toBe("text");
  expect(zeroed.every(isZero)).toBe(true);
  vi.unstubAllGlobals();
  expect(Buffer.from(await hpkeOpen(SEED, own, INFO, AAD)).toString()).toBe("text");
});

test.each<[string, number, number]>([
  ["enc is short", 31, 20],
  ["enc is long", 33, 20],
  ["ct has less than a tag", 32, 15],
])("nothing is derived if %s", async (_name, enc, ct) => {
  const sealed = { enc: new Uint8Array(enc).fill(9), ct: new Uint8Array(ct) };
  const error = await rejection(hpkeOpen(SEED, sealed, INFO, AAD));
  expect(error).toMatchObject({ message: "too short or too long" });
});

test("a point of small order opens nothing", async () => {
  const sealed = { enc: new Uint8Array(32), ct: new Uint8Array(20) };
  expect(await rejection(hpkeOpen(SEED, sealed, INFO, AAD))).toBeInstanceOf(Error);
});
