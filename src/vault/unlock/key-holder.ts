import type { JsonObject } from "../../canonical-json.ts";
import type { Clock, ReadOptions } from "../../ports.ts";
import type { BundleHeader } from "../format/bundle-header.ts";
import type { Manifest } from "../format/manifest.ts";
import type { KnownEntry, UnlockEntry } from "../format/unlock-entry.ts";
import type { BundleKeys } from "./bundle-keys.ts";

/**
 * What opens a vault: a passphrase, or the credential of a scoped token. The code that makes a holder disposes of it,
 * which zeroes its keys.
 *
 * To add a kind of holder, write one file here and define its form in `vault/format`. Opening, committing, `status` and
 * `doctor` ask the holder and never which kind it is.
 */
export interface KeyHolder extends Disposable {
  /**
   * Called before the manifest is fetched. Start slow work here that needs no manifest.
   *
   * @throws ConfigMissingError the holder is empty
   */
  prepare(): void;
  /** A public name for this holder's requests, formatted as a product (RFC 9110 §10.1.5); absent if it has none. */
  agent?(): Promise<string>;
  /**
   * Finds this holder's way into the vault, and proves that somebody with the same secret named the manifest's signer.
   * The caller then verifies the manifest's own signature.
   *
   * @throws WrongPassphraseError, or its like for this kind of holder: the manifest has no way in for it
   * @throws NotAuthenticError it has one, but the signer is not proven
   */
  unlock(manifest: Manifest, options: UnlockOptions): Promise<Unlocked>;
  /**
   * Opens this holder's slot in the bundle of an older generation, whose manifest no longer exists.
   *
   * @throws WrongPassphraseError, or its like for this kind of holder: none of the slots is its own
   * @throws BundleCorruptError a slot has the wrong form
   */
  openOlderSlot(header: BundleHeader): Promise<BundleKeys>;
}

export interface UnlockOptions extends ReadOptions {
  readonly clock: Clock;
}

/** A holder's way into one vault, whose signer is proven. */
export interface Unlocked {
  /** The name of its slot in the bundle. */
  readonly slot: string;
  /** Identifies the secret that opened the vault; equal for equal secrets. */
  readonly opener: string;
  /** When reading ends, `YYYY-MM-DDTHH:MM:SS.mmmZ`; null if it does not. */
  readonly until: string | null;
  /**
   * @throws PassphraseRetiredError, or its like for this kind of holder: reading has ended
   */
  requireCurrent(clock: Clock): void;
  /** @throws InputError this holder only reads */
  requireWriter(): void;
  /**
   * Opens the holder's slot in the manifest's bundle.
   *
   * @throws BundleCorruptError the slot is missing, does not open, or holds the wrong keys
   * @throws TokenRefusedError, or its like for this kind of holder: the bundle no longer has a slot for it
   */
  openSlot(header: BundleHeader): Promise<BundleKeys>;
}

/** A holder whose access to a vault can be granted and withdrawn. */
export interface OperatorHolder extends KeyHolder {
  /**
   * The manifest's entry that this holder opens, or opened until its window ended; null if it opens none.
   *
   * @param options `besides`: skip this slot, which is known to be another's
   */
  entryIn(manifest: Manifest, options?: { readonly besides?: string }): Promise<UnlockEntry | null>;
  /** Makes an entry that lets this holder write. */
  enrol(slot: string, by: Endorsed): Promise<UnlockEntry>;
  /** Turns this holder's entry in the manifest into one that reads until `notAfter`. */
  retire(manifest: Manifest, by: Endorsed, notAfter: string): Promise<UnlockEntry>;
}

/** The vault and signer that an entry vouches for. */
export interface Endorsed {
  readonly vault: string;
  /** For messages. */
  readonly env: string;
  /** Ed25519 public key, base64. */
  readonly signer: string;
}

/** What commits and `status` ask of an entry; implemented for each kind that the manifest can list. */
export interface EntryKind<Entry extends KnownEntry> {
  /** The name of its slot in the bundle. */
  slotOf(entry: Entry): string;
  /** When it stops reading; null for an entry that may write. */
  untilOf(entry: Entry): string | null;
  /** Makes its slot for the header of a new bundle. */
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
