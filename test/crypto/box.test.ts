import { createCipheriv } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { BOX_OVERHEAD_BYTES, openBox, openBoxInPlace, sealBox } from "../../src/crypto/box.ts";
import { withKey } from "../../src/crypto/subkeys.ts";
import { x25519PublicKey } from "../../src/crypto/x25519.ts";
import { BundleCorruptError } from "../../src/errors.ts";
import { free } from "../../src/memory.ts";
import { seededRandom } from "../support/world.ts";
import { isZero, zeroedOf } from "../support/zeroed.ts";

const KEY = new Uint8Array(32).fill(7);
const draw = (seed: string, length: number): Uint8Array => seededRandom(seed).bytes(length);

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 5 * 2 ** 19])(
  "a box of %i bytes equals the output of a single AES-GCM call, and opens",
  (length) => {
    const plaintext = draw("plaintext", length);
    const box = sealBox(seededRandom("nonce"), KEY, "aad", plaintext);
    const cipher = createCipheriv("aes-256-gcm", KEY, draw("nonce", 12));
    cipher.setAAD(Buffer.from("aad"));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    expect(box).toHaveLength(length + BOX_OVERHEAD_BYTES);
    // A comparison that shows a difference in two megabytes would take too long.
    expect(Buffer.compare(box, Buffer.concat([draw("nonce", 12), ciphertext, cipher.getAuthTag()]))).toBe(0);
    expect(Buffer.compare(openBox(KEY, "aad", box, "it"), plaintext)).toBe(0);
  },
);

test("opening a box zeroes its pieces, and frees those that have a buffer of their own", () => {
  const box = sealBox(seededRandom("box"), KEY, "aad", draw("plaintext", 2 ** 20 + 1));
  const zeroed = zeroedOf(Buffer.prototype);
  const opened = openBox(KEY, "aad", box, "it");
  expect(zeroed.map(({ buffer }) => (buffer as ArrayBuffer).detached)).toEqual([true, true]);
  expect(isZero(opened)).toBe(false);
});

test("freeing leaves bytes alone that share their buffer, or that the garbage collector does not own", () => {
  const shared = new Uint8Array(8).subarray(2, 4);
  const unowned = new Uint8Array(new SharedArrayBuffer(4));
  for (const bytes of [shared, unowned]) free(bytes);
  expect([shared.length, unowned.length]).toEqual([2, 4]);
});

test("a box with a wrong tag does not open, and its plaintext is zeroed", () => {
  const box = sealBox(seededRandom("box"), KEY, "aad", Buffer.from("plaintext"));
  const zeroed = zeroedOf(Uint8Array.prototype);
  expect(() => openBox(KEY, "another", box, "it")).toThrow("it does not decrypt");
  expect(zeroed.map(({ length }) => length)).toEqual(["plaintext".length]);
  expect(zeroed.every(isZero)).toBe(true);
});

test("opens a box in place, and zeroes one that does not open", () => {
  const plaintext = draw("plaintext", 2 ** 20 + 1);
  const box = sealBox(seededRandom("box"), KEY, "aad", plaintext);
  const refused = Uint8Array.from(box);
  const opened = openBoxInPlace(KEY, "aad", box, "it");
  expect([opened.buffer, opened.byteOffset]).toEqual([box.buffer, 12]);
  expect(Buffer.compare(opened, plaintext)).toBe(0);
  expect(() => openBoxInPlace(KEY, "another", refused, "it")).toThrow("it does not decrypt");
  expect(isZero(refused.subarray(12, -16))).toBe(true);
});

test("opening a box leaves it unchanged", () => {
  const box = sealBox(seededRandom("box"), KEY, "aad", Buffer.from("plaintext"));
  const before = Uint8Array.from(box);
  openBox(KEY, "aad", box, "it");
  expect(() => openBox(KEY, "another", box, "it")).toThrow("it does not decrypt");
  expect(box).toEqual(before);
});

test("a key is zeroed after its one use, even if that fails", () => {
  const key = Uint8Array.from(KEY);
  expect(withKey(key, (given) => given.slice())).toEqual(KEY);
  expect(isZero(key)).toBe(true);
  const again = Uint8Array.from(KEY);
  const use = () => {
    throw new TypeError("the use failed");
  };
  expect(() => withKey(again, use)).toThrow("the use failed");
  expect(isZero(again)).toBe(true);
});

test("the DER form of an X25519 private key is zeroed", () => {
  const seed = draw("seed", 32);
  const made: Buffer[] = [];
  const { concat } = Buffer;
  vi.spyOn(Buffer, "concat").mockImplementation((parts, ...more) => {
    const whole = concat(parts, ...more);
    made.push(whole);
    return whole;
  });
  expect(x25519PublicKey(seed)).toHaveLength(32);
  expect(made.map(({ length }) => length)).toEqual([48]);
  expect(made.every(isZero)).toBe(true);
  expect(isZero(seed)).toBe(false);
});

test("every box draws a fresh nonce", () => {
  const drawn: string[] = [];
  const random = {
    bytes(length: number) {
      const bytes = seededRandom(String(drawn.length)).bytes(length);
      drawn.push(Buffer.from(bytes).toString("hex"));
      return bytes;
    },
  };
  const boxes = Array.from({ length: 100 }, () => sealBox(random, KEY, "aad", Buffer.from("same")));
  expect(boxes.map((box) => Buffer.from(box.subarray(0, 12)).toString("hex"))).toEqual(drawn);
  expect(new Set(boxes.map((box) => Buffer.from(box.subarray(12)).toString("hex"))).size).toBe(100);
});

test("another key, aad, nonce, text or tag: corrupt, and no plaintext", () => {
  const box = sealBox(seededRandom("box"), KEY, "aad", Buffer.from("plaintext"));
  expect(Buffer.from(openBox(KEY, "aad", box, "it")).toString()).toBe("plaintext");
  expect(() => openBox(new Uint8Array(32), "aad", box, "it")).toThrow(BundleCorruptError);
  expect(() => openBox(KEY, "aad ", box, "it")).toThrow(BundleCorruptError);
  for (let at = 0; at < box.length; at++) {
    const altered = Uint8Array.from(box, (byte, index) => (index === at ? byte ^ 1 : byte));
    expect(() => openBox(KEY, "aad", altered, "it")).toThrow("it does not decrypt");
  }
  for (let length = 0; length < box.length; length++) {
    expect(() => openBox(KEY, "aad", box.subarray(0, length), "it")).toThrow(BundleCorruptError);
  }
});
