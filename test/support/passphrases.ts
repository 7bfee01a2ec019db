import { derivePassphraseKey, type PassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { kdfCostOf } from "../../src/vault/format/kdf-field.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import type { PassphraseEntry } from "../../src/vault/format/unlock-entry.ts";
import { type PassphraseHint, PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";

export function holding(passphrase: string, hint?: PassphraseHint): PassphraseHolder {
  return new PassphraseHolder(Secret.ofText(passphrase), hint);
}

export function passphrasesIn({ unlock }: Manifest): readonly PassphraseEntry[] {
  return unlock.filter((entry) => entry.kind === "passphrase");
}

/** The entry that a passphrase opens, and its key, which a holder of the passphrase can derive by hand. */
export interface OwnEntry {
  readonly entry: PassphraseEntry;
  readonly key: PassphraseKey;
}

export async function ownEntry(manifest: Manifest, passphrase: string): Promise<OwnEntry> {
  for (const entry of passphrasesIn(manifest)) {
    const key = await derivePassphraseKey(Secret.ofText(passphrase), kdfCostOf(entry.kdf));
    if (Buffer.from(key.recipient).toString("base64") === entry.recipient) return { entry, key };
  }
  throw new TypeError("the passphrase opens no entry");
}
