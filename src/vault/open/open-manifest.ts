import { decodeCheckedBase64 } from "../../crypto/base64.ts";
import { verifyNote } from "../../crypto/note.ts";
import { ManifestNotFoundError, NotAuthenticError } from "../../errors.ts";
import type { Clock, ObjectStore, ReadOptions, StoredObject, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { noteName, type ParsedManifest, parseManifest } from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import type { KeyHolder, Unlocked } from "../unlock/key-holder.ts";
import { type Expectation, requireExpected, requireJoined, requireNothingSeen } from "./expectation.ts";

export interface OpenRequest extends ReadOptions {
  /** The caller owns and disposes of it. */
  readonly holder: KeyHolder;
  readonly expect: Expectation;
  /** The stored manifest, if the caller has just fetched it. */
  readonly stored?: StoredObject | undefined;
}

export interface ReadPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

export interface OpenedManifest extends FetchedManifest {
  readonly unlocked: Unlocked;
}

/**
 * Fetches the manifest and proves it, for callers that do not need the bundle.
 *
 * @throws what `requireManifest` and `proveManifest` throw
 */
export async function openManifest(ports: ReadPorts, request: OpenRequest): Promise<OpenedManifest> {
  return proveManifest(await requireManifest(ports.store, request), ports, request);
}

/**
 * Fetches the manifest and checks its form and bounds. Nothing is proven yet.
 *
 * @throws ConflictError see `Expectation.isUnseen`
 * @throws the errors of `docs/format.md` §5, Opening, steps 1 to 6
 */
export async function requireManifest(store: ObjectStore, request: OpenRequest): Promise<FetchedManifest> {
  request.holder.prepare();
  const fetched = await fetchManifest(store, request);
  if (fetched === null) throw manifestNotFound(store, request.expect);
  if (request.expect.isUnseen) requireJoined(fetched.manifest, request.expect);
  return fetched;
}

/**
 * Proves a manifest, in the format's order: entry, endorsement, signature, vault, env, rollback floor, grace window.
 *
 * @throws the errors of `docs/format.md` §5, Opening, steps 7 to 12
 */
export async function proveManifest(
  fetched: FetchedManifest,
  { store, clock }: ReadPorts,
  { holder, expect, signal }: OpenRequest,
): Promise<OpenedManifest> {
  const unlocked = await holder.unlock(fetched.manifest, { clock, signal });
  verifySignature(fetched);
  requireExpected(fetched.manifest, expect);
  unlocked.requireCurrent(clock);
  const opened = { ...fetched, unlocked };
  await expect.history?.verify(store, opened, { signal });
  return opened;
}

function verifySignature({ manifest, note }: ParsedManifest): void {
  verifyNote(note, noteName(manifest.vault), decodeCheckedBase64(manifest.signer), "the manifest");
}

/** Says the same for every command, including a push, which would otherwise create a second vault. */
function manifestNotFound(store: ObjectStore, { env, history, minGen = 0 }: Expectation): ManifestNotFoundError {
  requireNothingSeen(history?.newest ?? 0);
  const isGone = minGen > 0;
  const fault = isGone
    ? `the vault at ${store.label} is gone: generation ${minGen} was seen before`
    : `no vault at ${store.label}`;
  return new ManifestNotFoundError(fault, {
    hint: isGone
      ? "if this is where it was, restore the object `manifest` from the store's object versions or a backup"
      : `if this is the right place, make it with \`vsync push ${env}\``,
  });
}

export interface FetchedManifest extends ParsedManifest {
  readonly bytes: Uint8Array;
  readonly version: Version;
  readonly skewMs?: number;
}

/**
 * The stored manifest, or null. Only its form and bounds are checked.
 *
 * @throws NotAuthenticError form or bounds
 * @throws UnsupportedSpecVersionError an unknown `format` or `kdf.name`
 */
export async function fetchManifest(
  store: ObjectStore,
  { signal, stored: given }: Pick<OpenRequest, "signal" | "stored"> = {},
): Promise<FetchedManifest | null> {
  const stored = given ?? (await store.get(MANIFEST_KEY, { signal, maxBytes: MAX_MANIFEST_BYTES }));
  if (stored === null) return null;
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw new NotAuthenticError("the manifest is larger than 1 MiB");
  return { ...parseManifest(stored.bytes), ...stored };
}
