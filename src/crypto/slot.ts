import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { BundleCorruptError } from "../errors.ts";
import { x25519PublicKey } from "./x25519.ts";

const KEY_BYTES = 32;
const encoder = new TextEncoder();
const INFO = encoder.encode("vsync-slot-v1");

/** The slot was not sealed to this key, or was altered; nobody can tell which. */
export class SlotNotOursError extends BundleCorruptError {}

/** Where a slot stands; what its ciphertext is bound to. */
export interface SlotPlace {
  readonly vault: string;
  readonly gen: number;
  readonly slot: string;
}

/** HPKE's own output (RFC 9180 §6.1): the encapsulated key, 32 bytes, and ciphertext with tag. */
export interface SealedKey {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/** RFC 9180 base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
function cipherSuite(): CipherSuite {
  return new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
}

function aadOf({ vault, gen, slot }: SlotPlace): Uint8Array {
  return encoder.encode(`${vault}|${gen}|${slot}`);
}

/** Seals a 32-byte key to the X25519 public key `recipient`. */
export async function sealSlot(recipient: Uint8Array, key: Uint8Array, place: SlotPlace): Promise<SealedKey> {
  const suite = cipherSuite();
  const publicKey = await suite.DeserializePublicKey(recipient);
  const sealed = await suite.Seal(publicKey, key, { info: INFO, aad: aadOf(place) });
  return { enc: sealed.encapsulatedSecret, ct: sealed.ciphertext };
}

/**
 * @throws SlotNotOursError the slot does not open with this X25519 private key
 * @throws BundleCorruptError it opens and holds no 32-byte key
 */
export async function openSlot(seed: Uint8Array, sealed: SealedKey, place: SlotPlace): Promise<Uint8Array> {
  const suite = cipherSuite();
  let key: Uint8Array;
  try {
    // Both halves, since Decap takes pkRm (RFC 9180 §4.1) and WebCrypto has no stable way to get it from the private key.
    const privateKey = await suite.DeserializePrivateKey(seed);
    const publicKey = await suite.DeserializePublicKey(x25519PublicKey(seed));
    key = await suite.Open({ privateKey, publicKey }, sealed.enc, sealed.ct, { info: INFO, aad: aadOf(place) });
  } catch {
    throw new SlotNotOursError(`slot ${place.slot} of generation ${place.gen} does not open`);
  }
  if (key.length !== KEY_BYTES) {
    throw new BundleCorruptError(`slot ${place.slot} of generation ${place.gen} holds ${key.length} bytes, not a key`);
  }
  return key;
}
