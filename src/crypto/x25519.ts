import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** DER around a raw X25519 private key (RFC 8410 §7). */
export const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX_BYTES = 12;

/** The public key of a 32-byte X25519 private key (RFC 7748 §6.1). */
export function x25519PublicKey(seed: Uint8Array): Uint8Array {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return rawPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  } finally {
    der.fill(0);
  }
}

/** The public key of an X25519 private key, 32 bytes. */
export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(SPKI_PREFIX_BYTES));
}
