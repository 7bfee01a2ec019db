import { timingSafeEqual } from "node:crypto";
import type { KdfCost } from "../../crypto/argon2id.ts";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../crypto/base64.ts";
import type { PassphraseKey } from "../../crypto/kdf.ts";
import type { Secret } from "../../crypto/secret.ts";
import { openSlot, sealSlot } from "../../crypto/slot.ts";
import { endorsementOf } from "../../crypto/subkeys.ts";
import { NotAuthenticError } from "../../errors.ts";
import { aadOf, type BundleHeader, refuseBundle, slotOf } from "../format/bundle-header.ts";
import { kdfFieldOf, parseKdf } from "../format/kdf-field.ts";
import type { PassphraseEntry } from "../format/unlock-entry.ts";
import { RootKeys } from "./bundle-keys.ts";
import type { Endorsed, EntryKind } from "./key-holder.ts";

/** How the manifest lists a passphrase, and what a commit seals to it. */
export const passphraseKind: EntryKind<PassphraseEntry> = {
  slotOf: (entry) => entry.slot,
  untilOf: (entry) => entry.not_after ?? null,
  async seal(entry, place, { operatorKey, rootKey }) {
    const seals = sealsOf(entry);
    const key = seals === "O" ? operatorKey : rootKey;
    const { enc, ct } = await sealSlot(decode(entry.recipient), aadOf(place, entry.slot), key);
    return { id: entry.slot, seals, kdf: entry.kdf, enc: encodeBase64(enc), ct: encodeBase64(ct) };
  },
};

/** The key that a slot seals: `O`, which writes, or inside a grace window `R`, which only reads (`docs/format.md` §4). */
export function sealsOf({ not_after }: Pick<PassphraseEntry, "not_after">): "O" | "R" {
  return not_after === undefined ? "O" : "R";
}

/** An entry that lets the passphrase write, or read until `notAfter`. */
export function passphraseEntry(
  slot: string,
  { key, cost }: { readonly key: PassphraseKey; readonly cost: KdfCost },
  by: Endorsed,
  notAfter?: string,
): PassphraseEntry {
  return {
    slot,
    kind: "passphrase",
    recipient: encodeBase64(key.recipient),
    kdf: kdfFieldOf(cost),
    endorse: encodeBase64(endorsementOf(key.mac.expose(), { ...by, slot, notAfter })),
    ...(notAfter === undefined ? {} : { not_after: notAfter }),
  };
}

/** @throws NotAuthenticError the entry was not endorsed with this passphrase for this signer */
export function verifyEndorsement(entry: PassphraseEntry, key: PassphraseKey, by: Endorsed): void {
  const { slot, not_after: notAfter } = entry;
  const expected = endorsementOf(key.mac.expose(), { vault: by.vault, signer: by.signer, slot, notAfter });
  if (!timingSafeEqual(expected, decode(entry.endorse))) {
    throw new NotAuthenticError(`the manifest's signer is not endorsed by this passphrase (slot ${entry.slot})`, {
      hint: "someone without the passphrase wrote this manifest: do not use it; check who can write to the bucket",
    });
  }
}

/** A passphrase slot to open. */
export interface PassphraseSlot {
  readonly slot: string;
  /** X25519 private key. */
  readonly seed: Secret;
  /** The key that the slot must hold. */
  readonly seals: "O" | "R";
}

/**
 * Opens a passphrase slot and returns its keys.
 *
 * @throws SlotNotOursError it was sealed to another passphrase, or altered
 * @throws BundleCorruptError it is missing, has the wrong form, or seals the other key
 */
export async function openPassphraseSlot(header: BundleHeader, own: PassphraseSlot): Promise<RootKeys> {
  const slot = slotOf(header, own.slot);
  parseKdf(slot.kdf, `slot ${slot.id} of the bundle`, refuseBundle);
  if (slot.seals !== own.seals) throw refuseBundle(`has a slot ${slot.id} that seals ${slot.seals}, not ${own.seals}`);
  const sealed = { enc: decode(slot.enc), ct: decode(slot.ct) };
  const what = `slot ${slot.id} of generation ${header.gen}`;
  const key = await openSlot(own.seed.expose(), aadOf(header, slot.id), sealed, what);
  return slot.seals === "R" ? RootKeys.ofReader(key) : RootKeys.ofOperator(key);
}
