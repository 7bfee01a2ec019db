import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { BundleCorruptError } from "../errors.ts";
import { x25519PublicKey } from "./x25519.ts";

const KEY_BYTES = 32;
const encoder = new TextEncoder();
const INFO = encoder.encode("vsync-slot-v1");

/** The slot was sealed to another key, or altered; HPKE cannot tell which. */
export class SlotNotOursError extends BundleCorruptError {}

/** HPKE's own output (RFC 9180 §6.1): the encapsulated key, 32 bytes, and ciphertext with tag. */
export interface SealedKey {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/** Seals a 32-byte key to the X25519 public key `recipient`, bound to `aad`. */
export async function sealSlot(recipient: Uint8Array, aad: string, key: Uint8Array): Promise<SealedKey> {
  const suite = cipherSuite();
  const publicKey = await suite.DeserializePublicKey(recipient);
  const sealed = await suite.Seal(publicKey, key, { info: INFO, aad: encoder.encode(aad) });
  return { enc: sealed.encapsulatedSecret, ct: sealed.ciphertext };
}

/**
 * The 32-byte key that a slot holds. `what` names the slot, for messages.
 *
 * @throws SlotNotOursError the slot does not open with this X25519 private key and `aad`
 * @throws BundleCorruptError it opens, but does not hold 32 bytes
 */
export async function openSlot(seed: Uint8Array, aad: string, sealed: SealedKey, what: string): Promise<Uint8Array> {
  const suite = cipherSuite();
  let key: Uint8Array;
  try {
    // Decap needs pkRm as well (RFC 9180 §4.1), and WebCrypto has no stable way to get it from the private key.
    const privateKey = await suite.DeserializePrivateKey(seed);
    const publicKey = await suite.DeserializePublicKey(x25519PublicKey(seed));
    key = await suite.Open({ privateKey, publicKey }, sealed.enc, sealed.ct, { info: INFO, aad: encoder.encode(aad) });
  } catch {
    throw new SlotNotOursError(`${what} does not open`);
  }
  if (key.length !== KEY_BYTES) throw new BundleCorruptError(`${what} holds ${key.length} bytes, not a key`);
  return key;
}

/** RFC 9180 base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
function cipherSuite(): CipherSuite {
  return new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
}
