import { encodeBase64 } from "../crypto/base64.ts";
import type { PassphraseKey } from "../crypto/kdf.ts";
import { DEFAULT_COST, type KdfCost, SALT_BYTES } from "../crypto/kdf-cost.ts";
import { endorsementOf } from "../crypto/subkeys.ts";
import { UnsupportedSpecVersionError } from "../errors.ts";
import { kdfFieldOf } from "./kdf-field.ts";
import type { Manifest, PassphraseEntry } from "./manifest.ts";
import type { Clock, Random } from "./ports.ts";
import { quoted } from "./shape.ts";

/** The default cost with a fresh salt: no two slots ever share one. */
export function freshCost(random: Random, cost: Omit<KdfCost, "salt"> = DEFAULT_COST): KdfCost {
  return { ...cost, salt: random.bytes(SALT_BYTES) };
}

/** What the endorsement of a slot is made for. */
export interface Endorsed {
  readonly vault: string;
  /** Base64. */
  readonly signer: string;
}

export function passphraseEntry(slot: string, key: PassphraseKey, cost: KdfCost, by: Endorsed): PassphraseEntry {
  return {
    slot,
    kind: "passphrase",
    recipient: encodeBase64(key.recipient),
    kdf: kdfFieldOf(cost),
    endorse: endorse(slot, key, by),
  };
}

/** The old passphrase's slot in its grace window: the new signer is endorsed, and it reads until `notAfter`. */
export function graceEntry(
  entry: PassphraseEntry,
  key: PassphraseKey,
  by: Endorsed,
  notAfter: string,
): PassphraseEntry {
  return { ...entry, endorse: endorse(entry.slot, key, by), not_after: notAfter };
}

function endorse(slot: string, key: PassphraseKey, { vault, signer }: Endorsed): string {
  return encodeBase64(endorsementOf(key.mac.expose(), vault, slot, signer));
}

/** The slots that a commit which is no rotation carries on: all but those whose grace window is over. */
export function keptEntries(
  { manifest, passphraseEntries }: { manifest: Manifest; passphraseEntries: readonly PassphraseEntry[] },
  clock: Clock,
): readonly PassphraseEntry[] {
  refuseUnknownKinds(manifest);
  return passphraseEntries.filter(
    (entry) => entry.not_after === undefined || clock.nowMs() < Date.parse(entry.not_after),
  );
}

/** A writer cannot seal to a slot of a kind that it does not know, and must not drop it. */
export function refuseUnknownKinds(manifest: Manifest): void {
  const unknown = manifest.unlock.map((entry) => entry["kind"]).find((kind) => kind !== "passphrase");
  if (unknown === undefined) return;
  throw new UnsupportedSpecVersionError(`the vault has a slot of the unknown kind ${quoted(JSON.stringify(unknown))}`, {
    hint: "upgrade vsync before writing this vault: this version would shut that slot's holder out",
  });
}
