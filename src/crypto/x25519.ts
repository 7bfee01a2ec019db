import { createPrivateKey, createPublicKey } from "node:crypto";

/** DER around a raw X25519 private key (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX_BYTES = 12;

/** The public key of a 32-byte X25519 private key (RFC 7748 §6.1). */
export function x25519PublicKey(seed: Uint8Array): Uint8Array {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    const publicKey = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    return new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX_BYTES));
  } finally {
    der.fill(0);
  }
}
