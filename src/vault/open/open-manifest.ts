import type { KdfCost } from "../../crypto/argon2id.ts";
import { decodeCheckedBase64 } from "../../crypto/base64.ts";
import { verifyNote } from "../../crypto/note.ts";
import type { Secret } from "../../crypto/secret.ts";
import {
  ConfigMissingError,
  ManifestNotFoundError,
  NotAuthenticError,
  PassphraseRetiredError,
  RollbackError,
  WrongPassphraseError,
} from "../../errors.ts";
import type { Clock, ObjectStore, ReadOptions, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import {
  type Manifest,
  noteName,
  type ParsedManifest,
  type PassphraseEntry,
  parseManifest,
} from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import { checkEndorsement, findSlot, type PassphraseKeys, type Unlocked } from "../unlock/passphrase-holder.ts";

/** What a reader knows beforehand, from its token or its machine's config. */
export interface Expectation {
  /** Vault id; unknown to tokens that other writers minted without it. */
  readonly vault?: string;
  readonly env: string;
  /** An older generation is refused. */
  readonly minGen?: number;
  /** Lets the derivation start before the manifest is there. */
  readonly hint?: KdfCost;
}

export interface OpenRequest extends ReadOptions {
  readonly passphrase: Secret;
  readonly expect: Expectation;
}

export interface ReadPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

export interface OpenedManifest extends FetchedManifest {
  /** The slot that the passphrase opened. Its keys are zeroed by `PassphraseKeys.destroy`. */
  readonly unlocked: Unlocked;
}

/**
 * Fetches the manifest and proves it, for whoever does not need the bundle.
 *
 * @throws what `requireManifest` and `proveManifest` throw
 */
export async function openManifest(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
): Promise<OpenedManifest> {
  return proveManifest(await requireManifest(ports.store, request, keys), ports.clock, request, keys);
}

/**
 * The manifest as the store has it: its form and bounds are good, and nothing is proven yet. If the request has a hint,
 * the derivation runs from here on.
 *
 * @throws the errors of `docs/format.md` §5, Opening, steps 1 to 6
 */
export async function requireManifest(
  store: ObjectStore,
  request: OpenRequest,
  keys: PassphraseKeys,
): Promise<FetchedManifest> {
  if (request.passphrase.expose().length === 0) throw passphraseMissing();
  keys.startEarly(request.expect.hint);
  const fetched = await fetchManifest(store, request);
  if (fetched === null) throw manifestNotFound(store, request.expect);
  return fetched;
}

/**
 * Proves a manifest: slot, endorsement, signature, vault, env, rollback floor, grace window, in the format's order.
 *
 * @throws the errors of `docs/format.md` §5, Opening, steps 7 to 12
 */
export async function proveManifest(
  fetched: FetchedManifest,
  clock: Clock,
  request: OpenRequest,
  keys: PassphraseKeys,
): Promise<OpenedManifest> {
  const { manifest, passphraseEntries } = fetched;
  const unlocked = await findSlot(keys, passphraseEntries, request);
  if (unlocked === null) throw wrongPassphrase(manifest);
  checkEndorsement(unlocked, manifest);
  verifySignature(fetched);
  checkExpectation(manifest, request.expect);
  checkNotRetired(unlocked.entry, clock);
  return { ...fetched, unlocked };
}

function verifySignature({ manifest, note }: ParsedManifest): void {
  verifyNote(note, noteName(manifest.vault), decodeCheckedBase64(manifest.signer), "the manifest");
}

function checkExpectation(manifest: Manifest, expect: Expectation): void {
  if (expect.vault !== undefined && manifest.vault !== expect.vault) {
    throw new NotAuthenticError(`the manifest is of vault ${manifest.vault}, not ${expect.vault}`);
  }
  if (manifest.env !== expect.env) {
    throw new NotAuthenticError(`the manifest is of another env than ${JSON.stringify(expect.env)}`);
  }
  if (expect.minGen !== undefined && manifest.gen < expect.minGen) {
    throw new RollbackError(`the store offers generation ${manifest.gen}, generation ${expect.minGen} was seen before`);
  }
}

function checkNotRetired(entry: PassphraseEntry, clock: Clock): void {
  if (entry.not_after === undefined || clock.nowMs() < Date.parse(entry.not_after)) return;
  throw new PassphraseRetiredError(`this passphrase was rotated away; its grace window ended ${entry.not_after}`, {
    hint: "set VSYNC_PASSPHRASE to the new passphrase",
  });
}

function wrongPassphrase({ gen, rotated_at }: Manifest): WrongPassphraseError {
  return new WrongPassphraseError("the passphrase opens no slot of this vault", {
    hint: `check the passphrase and where it comes from (generation ${gen}, last set ${rotated_at}): if it was rotated, roll the new one out`,
  });
}

/** What was there once is not pushed anew: that would be another vault. */
function manifestNotFound(store: ObjectStore, { minGen = 0 }: Expectation): ManifestNotFoundError {
  const isGone = minGen > 0;
  const fault = isGone
    ? `there is no vault at ${store.label} any more: generation ${minGen} was seen`
    : `there is no vault at ${store.label}`;
  return new ManifestNotFoundError(fault, {
    hint: isGone
      ? "check the bucket and prefix; if they are right, put the object `manifest` back, from the store's object versions or a backup"
      : "run `vsync push` first, or check the bucket and prefix",
  });
}

function passphraseMissing(): ConfigMissingError {
  return new ConfigMissingError("the passphrase is empty", { hint: "set VSYNC_PASSPHRASE or VSYNC_PASSPHRASE_FILE" });
}

export interface FetchedManifest extends ParsedManifest {
  readonly bytes: Uint8Array;
  readonly version: Version;
}

/**
 * The manifest that is there, or null. Nothing of it is proven but its form and bounds.
 *
 * @throws NotAuthenticError form or bounds
 * @throws UnsupportedSpecVersionError an unknown `format` or `kdf.name`
 */
export async function fetchManifest(store: ObjectStore, { signal }: ReadOptions = {}): Promise<FetchedManifest | null> {
  const stored = await store.get(MANIFEST_KEY, { signal, maxBytes: MAX_MANIFEST_BYTES });
  if (stored === null) return null;
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw new NotAuthenticError("the manifest is larger than 1 MiB");
  return { ...parseManifest(stored.bytes), ...stored };
}
