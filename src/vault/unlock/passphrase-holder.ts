import { DEFAULT_COST, type KdfCost, kdfCostFault, SALT_BYTES } from "../../crypto/argon2id.ts";
import { decodeCheckedBase64 } from "../../crypto/base64.ts";
import { derivePassphraseKey, destroyPassphraseKey, type PassphraseKey } from "../../crypto/kdf.ts";
import type { Secret } from "../../crypto/secret.ts";
import { SlotNotOursError } from "../../crypto/slot.ts";
import { ConfigMissingError, InputError, PassphraseRetiredError, WrongPassphraseError } from "../../errors.ts";
import type { Clock, Random } from "../../ports.ts";
import { type BundleHeader, refuseBundle, slotOf } from "../format/bundle-header.ts";
import { kdfCostOf, parseKdf } from "../format/kdf-field.ts";
import type { Manifest } from "../format/manifest.ts";
import { shown } from "../format/shape.ts";
import type { PassphraseEntry } from "../format/unlock-entry.ts";
import type { BundleKeys } from "./bundle-keys.ts";
import type { Endorsed, OperatorHolder, Unlocked, UnlockOptions } from "./key-holder.ts";
import { openPassphraseSlot, passphraseEntry, sealsOf, verifyEndorsement } from "./passphrase-entry.ts";
import { wrongPassphrase } from "./wrong-passphrase.ts";

/** What a machine or token remembers of a passphrase, which is enough to derive its key early. */
export interface PassphraseHint {
  readonly cost: KdfCost;
  /** X25519 public key, 32 bytes. It exposes a wrong passphrase before there is a manifest. Tokens lack it. */
  readonly recipient?: Uint8Array;
}

/** A key derived from a passphrase earlier, used in its place. It opens only slots of the same cost. */
export interface KeptKey {
  readonly cost: KdfCost;
  /** The holder zeroes it. */
  readonly key: PassphraseKey;
  /** Called when the key no longer opens the vault. */
  readonly forget: () => void;
}

/** Asks a person who mistyped a passphrase for it again; null after the last try. The holder zeroes the answer. */
export type AskAgain = (wrong: WrongPassphraseError) => Promise<Secret | null>;

/** A passphrase and its derived keys, each derived once per cost. */
export class PassphraseHolder implements OperatorHolder {
  #passphrase: Secret | null;
  readonly #kept: KeptKey | null;
  readonly #hint: PassphraseHint | undefined;
  readonly #askAgain: AskAgain | undefined;
  readonly #retyped: Secret[] = [];
  readonly #derived = new Map<string, Promise<PassphraseKey>>();
  readonly #ended = new AbortController();
  #hasUnlocked = false;

  /**
   * @param passphrase stays the caller's: disposing of the holder does not zero it
   */
  constructor(passphrase: Secret | KeptKey, hint?: PassphraseHint, askAgain?: AskAgain) {
    this.#askAgain = askAgain;
    this.#kept = "forget" in passphrase ? passphrase : null;
    this.#passphrase = "forget" in passphrase ? null : passphrase;
    this.#hint = hint;
    if (this.#kept !== null) this.#derived.set(nameOf(this.#kept.cost), Promise.resolve(this.#kept.key));
  }

  isOf(passphrase: Secret): boolean {
    return this.#passphrase !== null && Buffer.compare(this.#passphrase.expose(), passphrase.expose()) === 0;
  }

  /** Starts the derivation that will probably be needed. Ignores a hint that is out of bounds. */
  prepare(): void {
    if (this.#passphrase === null) return;
    if (this.#passphrase.expose().length === 0) {
      throw new ConfigMissingError("the passphrase is empty", {
        hint: "set VSYNC_PASSPHRASE or VSYNC_PASSPHRASE_FILE",
      });
    }
    if (this.#hint === undefined || kdfCostFault(this.#hint.cost) !== null) return;
    this.#derive(this.#hint.cost).catch(() => {
      // The error surfaces where the key is needed, which may be never.
    });
  }

  async unlock(manifest: Manifest, { clock, signal }: UnlockOptions): Promise<Unlocked> {
    const found = await this.#find(manifest, signal);
    if (found === null) {
      const wrong =
        this.#passphrase === null
          ? this.#useless(manifest)
          : wrongPassphrase(manifest, this.#passphrase, clock.nowMs());
      await this.#retype(wrong);
      return this.unlock(manifest, { clock, signal });
    }
    verifyEndorsement(found.entry, found.key, manifest);
    this.#hasUnlocked = true;
    return new UnlockedByPassphrase(found.entry, found.key);
  }

  async openOlderSlot(header: BundleHeader): Promise<BundleKeys> {
    for (const { id } of header.slots.filter((slot) => slot["kdf"] !== undefined)) {
      const slot = slotOf(header, id);
      const kdf = parseKdf(slot.kdf, `slot ${id} of the bundle`, refuseBundle);
      const derived = await this.#derive(kdfCostOf(kdf));
      if (derived === null) continue;
      const { seed } = derived;
      const opened = await openPassphraseSlot(header, { slot: id, seed, seals: slot.seals }).catch(nullIfNotOurs);
      if (opened !== null) return opened;
    }
    const hint = "give the passphrase that was in use then, with --then-passphrase-file or at the prompt";
    await this.#retype(new WrongPassphraseError(`wrong passphrase for generation ${header.gen}`, { hint }));
    return this.openOlderSlot(header);
  }

  async entryIn(manifest: Manifest, { besides }: { readonly besides?: string } = {}): Promise<PassphraseEntry | null> {
    const unlock = manifest.unlock.filter((entry) => entry.kind !== "passphrase" || entry.slot !== besides);
    return (await this.#find({ unlock }))?.entry ?? null;
  }

  /**
   * @throws WrongPassphraseError the hint is for another passphrase
   */
  async enrol(slot: string, by: Endorsed): Promise<PassphraseEntry> {
    if (this.#hint === undefined) throw new TypeError("a new entry takes a cost");
    const { cost, recipient } = this.#hint;
    const key = await this.#derive(cost);
    if (key === null) throw new TypeError("a kept key makes no new entry");
    if (recipient !== undefined && Buffer.compare(key.recipient, recipient) !== 0) {
      const hint = `type it again, or set a new one with \`vsync init --env=${by.env} --reset\``;
      await this.#retype(new WrongPassphraseError("this is not the passphrase that was set at init", { hint }));
      return this.enrol(slot, by);
    }
    return passphraseEntry(slot, { key, cost }, by);
  }

  async retire(manifest: Manifest, by: Endorsed, notAfter: string): Promise<PassphraseEntry> {
    const found = await this.#find(manifest);
    if (found === null) throw new TypeError("only a passphrase that opens the vault can be retired");
    const { entry, key } = found;
    return passphraseEntry(entry.slot, { key, cost: kdfCostOf(entry.kdf) }, by, notAfter);
  }

  /** The key that opens a manifest, for `vsync unlock` to keep; null if there is none. The holder still zeroes it. */
  async keyFor(manifest: Manifest): Promise<Omit<KeptKey, "forget"> | null> {
    const found = await this.#find(manifest);
    return found === null ? null : { cost: kdfCostOf(found.entry.kdf), key: found.key };
  }

  /** Zeroes every derived key. A derivation in progress is zeroed as soon as it ends, and a queued one never starts. */
  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#forgetKeys();
    for (const passphrase of this.#retyped) passphrase.destroy();
  }

  /**
   * Replaces a wrong passphrase with the one that the person types next. It never replaces one that has opened today's
   * vault: it was right, and its key is in use.
   *
   * @throws the given error, if the person gives up
   */
  async #retype(wrong: WrongPassphraseError): Promise<void> {
    const again = this.#hasUnlocked ? null : ((await this.#askAgain?.(wrong)) ?? null);
    if (again === null) throw wrong;
    this.#retyped.push(again);
    this.#passphrase = again;
    this.#forgetKeys();
  }

  #forgetKeys(): void {
    for (const derived of this.#derived.values()) {
      derived.then(destroyPassphraseKey, () => {
        // A failed derivation left nothing to zero, and its caller got the error.
      });
    }
    this.#derived.clear();
  }

  /**
   * Finds the entry whose recipient the passphrase derives. It tries a cost that is already being derived first: with a
   * current hint, a boot inside a grace window derives once, not twice. Aborting prevents the next derivation.
   */
  async #find({ unlock }: Pick<Manifest, "unlock">, signal?: AbortSignal): Promise<Found | null> {
    const entries = unlock.filter((entry) => entry.kind === "passphrase");
    const costed = entries.map((entry) => ({ entry, cost: kdfCostOf(entry.kdf) }));
    const isStarted = ({ cost }: { cost: KdfCost }) => this.#derived.has(nameOf(cost));
    for (const { entry, cost } of costed.toSorted((a, b) => Number(isStarted(b)) - Number(isStarted(a)))) {
      signal?.throwIfAborted();
      const key = await this.#derive(cost);
      if (key === null) continue;
      if (Buffer.compare(key.recipient, decodeCheckedBase64(entry.recipient)) === 0) return { entry, key };
    }
    return null;
  }

  #useless({ repo, env }: Manifest): WrongPassphraseError {
    this.#kept?.forget();
    return new WrongPassphraseError(`the key that vsync unlock kept no longer opens ${shown(repo)}/${shown(env)}`, {
      hint: "vsync has deleted it; the passphrase was probably rotated: give the new one, or run vsync unlock again",
    });
  }

  /** Null if a kept key does not have this cost. */
  async #derive(cost: KdfCost): Promise<PassphraseKey | null> {
    const name = nameOf(cost);
    let key = this.#derived.get(name);
    if (key === undefined && this.#passphrase === null) return null;
    if (key === undefined && this.#passphrase !== null) {
      key = derivePassphraseKey(this.#passphrase, cost, { signal: this.#ended.signal });
      this.#derived.set(name, key);
    }
    return key ?? null;
  }
}

interface Found {
  readonly entry: PassphraseEntry;
  readonly key: PassphraseKey;
}

class UnlockedByPassphrase implements Unlocked {
  readonly slot: string;
  readonly opener: string;
  readonly until: string | null;
  readonly #entry: PassphraseEntry;
  readonly #key: PassphraseKey;

  constructor(entry: PassphraseEntry, key: PassphraseKey) {
    this.slot = entry.slot;
    this.opener = entry.recipient;
    this.until = entry.not_after ?? null;
    this.#entry = entry;
    this.#key = key;
  }

  requireCurrent(clock: Clock): void {
    if (this.until === null || clock.nowMs() < Date.parse(this.until)) return;
    throw new PassphraseRetiredError(`this passphrase was rotated away; its grace window ended ${this.until}`, {
      hint: "set VSYNC_PASSPHRASE to the new passphrase",
    });
  }

  requireWriter(): void {
    if (this.until !== null) throw new ReadOnlyPassphraseError(this.until);
  }

  async openSlot(header: BundleHeader): Promise<BundleKeys> {
    return openPassphraseSlot(header, { slot: this.slot, seed: this.#key.seed, seals: sealsOf(this.#entry) });
  }
}

/** A passphrase that was rotated away tried to commit inside its grace window. */
export class ReadOnlyPassphraseError extends InputError {
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
  readonly readOnlyUntil: string;

  constructor(readOnlyUntil: string) {
    super(`this passphrase can only read until ${readOnlyUntil}: use the new one`, {
      hint: "give the passphrase that the last rotation set, as VSYNC_PASSPHRASE or at the prompt",
    });
    this.readOnlyUntil = readOnlyUntil;
  }
}

function nullIfNotOurs(error: unknown): null {
  if (error instanceof SlotNotOursError) return null;
  throw error;
}

function nameOf(cost: KdfCost): string {
  return [Buffer.from(cost.salt).toString("hex"), cost.iterations, cost.memoryKiB, cost.parallelism].join("|");
}

/** The default cost with a fresh salt: no two entries ever share one. */
export function freshCost(random: Random, cost: Omit<KdfCost, "salt"> = DEFAULT_COST): KdfCost {
  return { ...cost, salt: random.bytes(SALT_BYTES) };
}

/** What to remember of a new passphrase. */
export async function freshHint(random: Random, passphrase: Secret): Promise<Required<PassphraseHint>> {
  const cost = freshCost(random);
  return { cost, recipient: await recipientOf(passphrase, cost) };
}

/** The X25519 public key that a passphrase derives, 32 bytes. */
export async function recipientOf(passphrase: Secret, cost: KdfCost): Promise<Uint8Array> {
  const key = await derivePassphraseKey(passphrase, cost);
  destroyPassphraseKey(key);
  return key.recipient;
}

/** What to remember of the passphrase that may write: every manifest has one. */
export function hintOf({ unlock }: Manifest): Required<PassphraseHint> {
  const writer = unlock.find((entry) => entry.kind === "passphrase" && entry.not_after === undefined);
  if (writer?.kind !== "passphrase") throw new TypeError("the manifest was not parsed: nobody may write");
  return hintIn(writer);
}

/** What to remember of the passphrase that opened the manifest. It has proven only its own entry. */
export function hintOfOpener({ unlock }: Manifest, { opener }: Unlocked): Required<PassphraseHint> {
  const own = unlock.find((entry) => entry.kind === "passphrase" && entry.recipient === opener);
  if (own?.kind !== "passphrase") throw new TypeError("the opener is not of this manifest");
  return hintIn(own);
}

function hintIn({ kdf, recipient }: PassphraseEntry): Required<PassphraseHint> {
  return { cost: kdfCostOf(kdf), recipient: decodeCheckedBase64(recipient) };
}
