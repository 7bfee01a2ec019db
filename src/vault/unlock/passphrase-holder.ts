import { timingSafeEqual } from "node:crypto";
import { DEFAULT_COST, type KdfCost, kdfCostFault, SALT_BYTES } from "../../crypto/argon2id.ts";
import { decodeCheckedBase64, encodeBase64 } from "../../crypto/base64.ts";
import { derivePassphraseKey, destroyPassphraseKey, type PassphraseKey } from "../../crypto/kdf.ts";
import type { Secret } from "../../crypto/secret.ts";
import { endorsementOf } from "../../crypto/subkeys.ts";
import { NotAuthenticError, UnsupportedSpecVersionError } from "../../errors.ts";
import type { Clock, Random, ReadOptions } from "../../ports.ts";
import { kdfCostOf, kdfFieldOf } from "../format/kdf-field.ts";
import type { Manifest, PassphraseEntry } from "../format/manifest.ts";
import { quoted } from "../format/shape.ts";

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

/** What one slot lets its holder do. */
export interface SlotAccess {
  readonly slot: string;
  readonly access: "read-write" | "read" | "none" | "unknown";
  /** When reading ends, or ended: `YYYY-MM-DDTHH:MM:SS.mmmZ`; null for a slot that does not end. */
  readonly until: string | null;
}

/** Who can open a vault at this moment, in the manifest's order. Slots of kinds that this version does not know are named. */
export function slotAccess({ unlock }: Manifest, nowMs: number): readonly SlotAccess[] {
  return unlock.map((entry) => {
    const slot = typeof entry["slot"] === "string" ? entry["slot"] : "?";
    if (entry["kind"] !== "passphrase") return { slot, access: "unknown", until: null };
    const until = typeof entry["not_after"] === "string" ? entry["not_after"] : null;
    if (until === null) return { slot, access: "read-write", until };
    return { slot, access: nowMs < Date.parse(until) ? "read" : "none", until };
  });
}

/** The slot of those who may write, which configs and tokens hint at: a manifest that has been parsed has one. */
export function operatorEntry({ unlock }: Manifest): PassphraseEntry | undefined {
  const entries = unlock as unknown as readonly PassphraseEntry[];
  return entries.find((entry) => entry.kind === "passphrase" && entry.not_after === undefined);
}
