import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from "node:crypto";
import { inWorkers } from "../workers.ts";
import { hmacSha256 } from "./digest.ts";
import { PKCS8_PREFIX, rawPublicKey } from "./x25519.ts";

/**
 * HPKE's base mode (RFC 9180), single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Decision 0057 says
 * why we do not use a library; the tests compare this with one.
 */

export const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const VERSION = Buffer.from("HPKE-v1");
const KEM = Buffer.from("4b454d0020", "hex");
const SUITE = Buffer.from("48504b45002000010002", "hex");
const NONE = Buffer.alloc(0);
/** Equals no salt at all, because HMAC pads a key with zeros (RFC 2104 §2). */
const NO_SALT = Buffer.alloc(32);
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * @param seed X25519 private key, 32 bytes
 * @param ct ciphertext and tag
 * @throws Error it was not sealed to this key with this `info` and `aad`
 */
export async function hpkeOpen(
  seed: Uint8Array,
  { enc, ct }: { readonly enc: Uint8Array; readonly ct: Uint8Array },
  info: Uint8Array,
  aad: Uint8Array,
): Promise<Uint8Array> {
  if (enc.length !== KEY_BYTES || ct.length < TAG_BYTES) throw new TypeError("too short or too long");
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  const dh = inWorkers() ? await agreeAnywhere(seed, enc) : agree(privateKey, enc);
  // A point of small order (RFC 9180 §7.1.4).
  if (dh.every((byte) => byte === 0)) throw new TypeError("no Diffie-Hellman result");
  const shared = sharedSecret(dh, Buffer.concat([enc, rawPublicKey(privateKey)]));
  const { key, nonce } = keyAndNonce(shared, contextOf(info));
  const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  key.fill(0);
  decipher.setAAD(aad);
  decipher.setAuthTag(ct.subarray(ct.length - TAG_BYTES));
  return new Uint8Array(Buffer.concat([decipher.update(ct.subarray(0, ct.length - TAG_BYTES)), decipher.final()]));
}

function agree(privateKey: KeyObject, enc: Uint8Array): Uint8Array {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, enc]), format: "der", type: "spki" });
  return diffieHellman({ privateKey, publicKey });
}

/** Needed because `diffieHellman` in Workers refuses X25519. */
async function agreeAnywhere(seed: Uint8Array, enc: Uint8Array): Promise<Uint8Array> {
  const { x25519 } = await import("@noble/curves/ed25519.js");
  return x25519.getSharedSecret(seed, enc);
}

/** RFC 9180 §4.1: ExtractAndExpand of the Diffie-Hellman result, which this zeroes. */
export function sharedSecret(dh: Uint8Array, kemContext: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM, NO_SALT, "eae_prk", dh);
  dh.fill(0);
  const shared = labeledExpand(KEM, prk, "shared_secret", kemContext, KEY_BYTES);
  prk.fill(0);
  return shared;
}

/** RFC 9180 §5.1 and §5.2: mode_base, sequence number 0. Zeroes `shared`. */
export function keyAndNonce(
  shared: Uint8Array,
  context: Uint8Array,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const secret = labeledExtract(SUITE, shared, "secret", NONE);
  shared.fill(0);
  const key = labeledExpand(SUITE, secret, "key", context, KEY_BYTES);
  const nonce = labeledExpand(SUITE, secret, "base_nonce", context, NONCE_BYTES);
  secret.fill(0);
  return { key, nonce };
}

/** RFC 9180 §5.1: the part of the key schedule that depends only on `info`. */
export function contextOf(info: Uint8Array): Uint8Array {
  const pskIdHash = labeledExtract(SUITE, NO_SALT, "psk_id_hash", NONE);
  return Buffer.concat([Buffer.of(0), pskIdHash, labeledExtract(SUITE, NO_SALT, "info_hash", info)]);
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hmacSha256(salt, VERSION, suite, Buffer.from(label), ikm);
}

/** HKDF-Expand (RFC 5869 §2.3); one block is enough for 32 bytes. */
function labeledExpand(suite: Buffer, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const block = hmacSha256(prk, Buffer.of(0, length), VERSION, suite, Buffer.from(label), info, Buffer.of(1));
  return block.subarray(0, length);
}
