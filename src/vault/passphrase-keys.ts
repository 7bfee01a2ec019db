import { timingSafeEqual } from "node:crypto";
import { decodeCheckedBase64 } from "../crypto/base64.ts";
import { derivePassphraseKey, destroyPassphraseKey, type PassphraseKey } from "../crypto/kdf.ts";
import { type KdfCost, kdfCostFault } from "../crypto/kdf-cost.ts";
import type { Secret } from "../crypto/secret.ts";
import { endorsementOf } from "../crypto/subkeys.ts";
import { NotAuthenticError } from "../errors.ts";
import { kdfCostOf } from "./kdf-field.ts";
import type { Manifest, PassphraseEntry } from "./manifest.ts";
import type { ReadOptions } from "./ports.ts";

/** The keys that one passphrase derives: once for each cost, and one after the other but for what a hint starts early. */
export class PassphraseKeys {
  readonly #passphrase: Secret;
  readonly #derived = new Map<string, Promise<PassphraseKey>>();

  constructor(passphrase: Secret) {
    this.#passphrase = passphrase;
  }

  /** Starts a derivation that will probably be needed, while the manifest is still on its way. A bad hint is no error. */
  startEarly(hint: KdfCost | undefined): void {
    if (hint === undefined || kdfCostFault(hint) !== null) return;
    this.of(hint).catch(() => {
      // Whoever asks for this key gets the error; nobody may ask.
    });
  }

  of(cost: KdfCost): Promise<PassphraseKey> {
    const name = nameOf(cost);
    let key = this.#derived.get(name);
    if (key === undefined) {
      key = derivePassphraseKey(this.#passphrase, cost);
      this.#derived.set(name, key);
    }
    return key;
  }

  isStarted(cost: KdfCost): boolean {
    return this.#derived.has(nameOf(cost));
  }

  /** Zeroes every derived key, those still being derived as soon as they are. The passphrase is its owner's. */
  destroy(): void {
    for (const derived of this.#derived.values()) {
      derived.then(destroyPassphraseKey, () => {
        // A derivation that failed left nothing to zero, and whoever waited for it has the error.
      });
    }
    this.#derived.clear();
  }
}

function nameOf(cost: KdfCost): string {
  return [Buffer.from(cost.salt).toString("hex"), cost.iterations, cost.memoryKiB, cost.parallelism].join("|");
}

export interface Unlocked {
  readonly entry: PassphraseEntry;
  readonly key: PassphraseKey;
}

/**
 * The slot whose recipient the passphrase derives, or null. A cost that is being derived already is looked at first:
 * with a current hint, a boot inside a grace window derives once, not twice. A derivation that has begun cannot be
 * stopped; aborting keeps the next one from beginning.
 */
export async function findSlot(
  keys: PassphraseKeys,
  entries: readonly PassphraseEntry[],
  { signal }: ReadOptions = {},
): Promise<Unlocked | null> {
  const costed = entries.map((entry) => ({ entry, cost: kdfCostOf(entry.kdf) }));
  const startedFirst = costed.toSorted((a, b) => Number(keys.isStarted(b.cost)) - Number(keys.isStarted(a.cost)));
  for (const { entry, cost } of startedFirst) {
    signal?.throwIfAborted();
    const key = await keys.of(cost);
    if (Buffer.compare(key.recipient, decodeCheckedBase64(entry.recipient)) === 0) return { entry, key };
  }
  return null;
}

/** @throws NotAuthenticError the slot's endorsement was not made with this passphrase for this signer */
export function checkEndorsement({ entry, key }: Unlocked, manifest: Pick<Manifest, "vault" | "signer">): void {
  const expected = endorsementOf(key.mac.expose(), manifest.vault, entry.slot, manifest.signer);
  if (!timingSafeEqual(expected, decodeCheckedBase64(entry.endorse))) {
    throw new NotAuthenticError(`the manifest's signer is not endorsed by this passphrase (slot ${entry.slot})`, {
      hint: "someone without the passphrase wrote this manifest: do not use it, look at who can write the bucket",
    });
  }
}
