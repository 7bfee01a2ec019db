import { type Cipheriv, createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { BundleCorruptError } from "../errors.ts";
import { free } from "../memory.ts";

export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The length of a box with an empty plaintext. */
export const BOX_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

interface NonceSource {
  bytes(length: number): Uint8Array;
}

/**
 * OpenSSL gets the text in pieces, because it returns a copy that is freed at once: a file of 60 MB must not be in
 * memory twice.
 */
const PIECE_BYTES = 1024 * 1024;

/**
 * Seals with AES-256-GCM: `nonce[12] ‖ ct ‖ tag[16]`, with a fresh nonce from `random` (NIST SP 800-38D §8.2.2). Every
 * key is drawn for one generation and seals one box, so a nonce can never repeat under a key.
 */
export function sealBox(random: NonceSource, key: Uint8Array, aad: string, plaintext: Uint8Array): Uint8Array {
  const box = new Uint8Array(BOX_OVERHEAD_BYTES + plaintext.length);
  sealBoxInto(box, random.bytes(NONCE_BYTES), key, aad, plaintext);
  return box;
}

/**
 * Like `sealBox`, with a fresh nonce of 12 bytes, into a part of a larger array. `box` is {@link BOX_OVERHEAD_BYTES}
 * longer than the plaintext.
 */
export function sealBoxInto(
  box: Uint8Array,
  nonce: Uint8Array,
  key: Uint8Array,
  aad: string,
  plaintext: Uint8Array,
): void {
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad));
  box.set(nonce);
  updateInto(box.subarray(NONCE_BYTES), cipher, plaintext);
  cipher.final();
  box.set(cipher.getAuthTag(), NONCE_BYTES + plaintext.length);
}

/** GCM returns as many bytes as it takes, so `target` may be `input`. */
function updateInto(target: Uint8Array, cipher: Pick<Cipheriv, "update">, input: Uint8Array): void {
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    const piece = cipher.update(input.subarray(at, at + PIECE_BYTES));
    target.set(piece, at);
    piece.fill(0);
    free(piece);
  }
}

/** @throws BundleCorruptError the box is too short, or does not open with this key and `aad`; `what` names it */
export function openBox(key: Uint8Array, aad: string, box: Uint8Array, what: string): Uint8Array {
  return openBoxInPlace(key, aad, new Uint8Array(box), what);
}

/**
 * Like `openBox`, but writes the plaintext over the ciphertext and returns that part of `box`. If the box does not open,
 * the part is zeroed.
 */
export function openBoxInPlace(key: Uint8Array, aad: string, box: Uint8Array, what: string): Uint8Array {
  if (box.length < BOX_OVERHEAD_BYTES) throw new BundleCorruptError(`${what} is too short to be a sealed box`);
  const nonce = box.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  const text = box.subarray(NONCE_BYTES, box.length - TAG_BYTES);
  updateInto(text, decipher, text);
  try {
    decipher.final();
  } catch {
    text.fill(0);
    throw new BundleCorruptError(`${what} does not decrypt`);
  }
  return text;
}
