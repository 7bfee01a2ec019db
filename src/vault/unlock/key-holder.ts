import type { JsonObject } from "../../canonical-json.ts";
import type { Clock, ReadOptions } from "../../ports.ts";
import type { BundleHeader } from "../format/bundle-header.ts";
import type { Manifest } from "../format/manifest.ts";
import type { KnownEntry, UnlockEntry } from "../format/unlock-entry.ts";
import type { BundleKeys } from "./bundle-keys.ts";

/**
 * What opens a vault: a passphrase, or the credential of a scoped token. The maker of a holder disposes of it, which zeroes its keys.
 *
 * A new kind of holder is one file here and its form in `vault/format`: opening, committing, `status` and `doctor` ask
 * the holder and never which kind it is.
 */
export interface KeyHolder extends Disposable {
  /**
   * Called before the manifest is fetched: the place to start slow work that needs no manifest.
   *
   * @throws ConfigMissingError the holder is empty
   */
  prepare(): void;
  /** A public name for this holder's requests, in the form of a product (RFC 9110 §10.1.5); absent if it has none. */
  agent?(): Promise<string>;
  /**
   * Finds the holder's way into this vault, and proves that somebody with the same secret named the manifest's signer.
   * The manifest's own signature is verified afterwards.
   *
   * @throws WrongPassphraseError, or what else this kind of holder throws: the manifest has no way in for it
   * @throws NotAuthenticError it has one, and the signer is not proven
   */
  unlock(manifest: Manifest, options: UnlockOptions): Promise<Unlocked>;
  /**
   * Opens this holder's slot in the bundle of an older generation, of which no manifest is left.
   *
   * @throws WrongPassphraseError, or what else this kind of holder throws: no slot is its own
   * @throws BundleCorruptError a slot's form
   */
  openOlderSlot(header: BundleHeader): Promise<BundleKeys>;
}

export interface UnlockOptions extends ReadOptions {
  readonly clock: Clock;
}

/** A way into one vault that a holder has found, its signer proven. */
export interface Unlocked {
  /** The name of its slot in the bundle. */
  readonly slot: string;
  /** The same for the same secret: tells apart who has opened the vault. */
  readonly opener: string;
  /** When reading ends, `YYYY-MM-DDTHH:MM:SS.mmmZ`; null where it does not. */
  readonly until: string | null;
  /** @throws PassphraseRetiredError, or what else this kind of holder throws: reading has ended */
  requireCurrent(clock: Clock): void;
  /** @throws InputError this holder only reads */
  requireWriter(): void;
  /**
   * Opens the holder's slot in the manifest's bundle.
   *
   * @throws BundleCorruptError it is missing, does not open, or holds other keys than it should
   * @throws TokenRefusedError, or what else this kind of holder throws: the bundle no longer has one for it
   */
  openSlot(header: BundleHeader): Promise<BundleKeys>;
}

/** A holder that can be given a vault and taken off it again. */
export interface OperatorHolder extends KeyHolder {
  /**
   * The entry of a manifest that this holder opens, or opened until its window ended; null where it opens none.
   *
   * @param options `besides`: the slot of an entry that is known to be another's
   */
  entryIn(manifest: Manifest, options?: { readonly besides?: string }): Promise<UnlockEntry | null>;
  /** An entry that lets this holder write. */
  enrol(slot: string, by: Endorsed): Promise<UnlockEntry>;
  /** This holder's entry in the manifest, turned into one that reads until `notAfter`. */
  retire(manifest: Manifest, by: Endorsed, notAfter: string): Promise<UnlockEntry>;
}

/** The vault and signer that an entry vouches for. */
export interface Endorsed {
  readonly vault: string;
  /** For messages. */
  readonly env: string;
  /** Base64. */
  readonly signer: string;
}

/** What a commit and a status ask of an entry, for each kind that the manifest can list. */
export interface EntryKind<Entry extends KnownEntry> {
  /** The name of its slot in the bundle. */
  slotOf(entry: Entry): string;
  /** When it stops reading; null for an entry that may write. */
  untilOf(entry: Entry): string | null;
  /** Its slot in the header of a new bundle. */
  seal(entry: Entry, place: BundlePlace, keys: FreshKeys): Promise<JsonObject & { readonly id: string }>;
}

export interface BundlePlace {
  readonly vault: string;
  readonly gen: number;
}

/** The keys of a new bundle, 32 bytes each. */
export interface FreshKeys {
  readonly operatorKey: Uint8Array;
  readonly rootKey: Uint8Array;
}
