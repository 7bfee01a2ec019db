import { BundleCorruptError } from "../errors.ts";
import { hpkeOpen } from "./hpke.ts";

const KEY_BYTES = 32;
const encoder = new TextEncoder();
/** HPKE's `info` keeps a slot of one kind from opening as the other kind. */
const PASSPHRASE_SLOT = encoder.encode("vsync-slot-v1");
const TOKEN_SLOT = encoder.encode("vsync-token-slot-v1");

/** The slot was sealed to another key, or altered; HPKE cannot tell which. */
export class SlotNotOursError extends BundleCorruptError {}

/** HPKE's own output (RFC 9180 §6.1): the encapsulated key, 32 bytes, and ciphertext with tag. */
export interface SealedSlot {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/** Seals a 32-byte key to the X25519 public key `recipient`, bound to `aad`. */
export async function sealSlot(recipient: Uint8Array, aad: string, key: Uint8Array): Promise<SealedSlot> {
  return seal(recipient, PASSPHRASE_SLOT, aad, key);
}

/** Seals the payload of a scoped token's slot, which may have any length. */
export async function sealTokenSlot(recipient: Uint8Array, aad: string, payload: Uint8Array): Promise<SealedSlot> {
  return seal(recipient, TOKEN_SLOT, aad, payload);
}

async function seal(recipient: Uint8Array, info: Uint8Array, aad: string, plaintext: Uint8Array): Promise<SealedSlot> {
  // Loaded only here, because opening a vault seals nothing.
  const { hpkeSeal } = await import("./hpke-seal.ts");
  return hpkeSeal(recipient, info, encoder.encode(aad), plaintext);
}

/**
 * Opens a slot and returns its 32-byte key. `what` names the slot in messages.
 *
 * @throws SlotNotOursError the slot does not open with this X25519 private key and `aad`
 * @throws BundleCorruptError it opens, but does not hold 32 bytes
 */
export async function openSlot(seed: Uint8Array, aad: string, sealed: SealedSlot, what: string): Promise<Uint8Array> {
  const key = await open(seed, PASSPHRASE_SLOT, { aad, sealed, what });
  if (key.length !== KEY_BYTES) throw new BundleCorruptError(`${what} holds ${key.length} bytes, not a key`);
  return key;
}

/** @throws SlotNotOursError as `openSlot` */
export async function openTokenSlot(
  privateKey: Uint8Array,
  aad: string,
  sealed: SealedSlot,
  what: string,
): Promise<Uint8Array> {
  return open(privateKey, TOKEN_SLOT, { aad, sealed, what });
}

async function open(
  secret: Uint8Array,
  info: Uint8Array,
  { aad, sealed, what }: { readonly aad: string; readonly sealed: SealedSlot; readonly what: string },
): Promise<Uint8Array> {
  try {
    return await hpkeOpen(secret, sealed, info, encoder.encode(aad));
  } catch {
    throw new SlotNotOursError(`${what} does not open`);
  }
}
