import { encodeBase64 } from "../crypto/base64.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { SigningKey } from "../crypto/signing.ts";
import {
  AccessDeniedError,
  ConflictError,
  InputError,
  NotAuthenticError,
  OutcomeUnknownError,
  S3UnreachableError,
  VsyncError,
} from "../errors.ts";
import { appendAuditRow, ensureAuditRow, holdsAuditRow } from "./audit-append.ts";
import { encodeAuditRow } from "./audit-row.ts";
import { canonicalFault, type JsonObject } from "./canonical-json.ts";
import type { Item } from "./item.ts";
import { BUNDLE_PREFIX, bundleKey, MANIFEST_KEY } from "./keys.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES } from "./limits.ts";
import {
  type Actor,
  encodeManifest,
  MANIFEST_FORMAT,
  type Manifest,
  type PassphraseEntry,
  parseManifest,
} from "./manifest.ts";
import { type Neighbours, withNeighbours } from "./neighbours.ts";
import type { Clock, ObjectStore, Random, Version } from "./ports.ts";
import { refuseFork } from "./refuse-fork.ts";
import { sealBundle } from "./seal-bundle.ts";
import { firstTsMs, formatTs } from "./timestamp.ts";

/** A crashed commit leaves one orphan; more than this many in successive milliseconds is not that. */
const MAX_BUNDLE_KEY_TRIES = 100;

/** How far a commit has come. */
export type CommitPhase = "bundle-created" | "manifest-swapped" | "audit-appended";

export interface CommitPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly onPhase?: (phase: CommitPhase) => void;
}

/** What the new generation stands on: nothing, or the manifest that was read, with the key that signed it. */
export type CommitBase =
  | { readonly kind: "first"; readonly vault: string; readonly repo: string; readonly env: string }
  | {
      readonly kind: "next";
      readonly manifest: Manifest;
      readonly sha256: string;
      readonly version: Version;
      readonly signingKey: SigningKey;
    };

/** What the audit row will say. */
export interface Annotation {
  readonly actor: Actor;
  readonly note?: string;
  readonly meta?: JsonObject;
}

/** What the new generation is to be. */
export interface Draft extends Annotation {
  readonly action: string;
  readonly meta: JsonObject;
  readonly items: readonly Item[];
  /** Endorsed for `signingKey`. */
  readonly unlock: readonly PassphraseEntry[];
  /** Signs this generation; another than the base's where this commit is a rotation. */
  readonly signingKey: SigningKey;
  readonly rotates: boolean;
}

export interface Committed {
  readonly manifest: Manifest;
  /** Null where the audit row was appended; else why not. The commit stands, and the next one appends the row. */
  readonly auditFault: VsyncError | null;
}

/**
 * The one way to write a generation (`docs/format.md` §5, Committing): the current generation's audit row if it is missing
 * → the bundle → the manifest, conditionally → the new audit row. Whatever ends it in between, the vault opens exactly as
 * before or exactly as after.
 *
 * @param neighbours where they were asked for while the draft was still in the making
 * @throws ConflictError another commit was faster; the bundle written here is named by no manifest
 * @throws RollbackError the manifest is older than the audit rows; nothing was written
 * @throws OutcomeUnknownError the manifest's swap was sent and cannot be read back
 * @throws InputError what was to be written is not what the format allows; nothing was written
 */
export async function commitGeneration(
  ports: CommitPorts,
  base: CommitBase,
  draft: Draft,
  neighbours?: Neighbours,
): Promise<Committed> {
  const { store } = ports;
  const sealed = await seal(ports, base, draft);
  const look = (found: Neighbours) => ensurePreviousRow(store, base, found);
  const looking = neighbours === undefined ? withNeighbours(store, generationAfter(base), look) : look(neighbours);
  return await write(ports, base, { ...sealed, previousRow: await looking });
}

async function ensurePreviousRow(
  store: ObjectStore,
  base: CommitBase,
  { own, before }: Neighbours,
): Promise<Uint8Array | null> {
  const version = base.kind === "first" ? null : base.version;
  await refuseFork(store, own, { gen: generationAfter(base), base: version });
  return base.kind === "first" ? null : ensureAuditRow(store, base.manifest, base.signingKey, before);
}

/** A draft's bundle, with all that can be refused without a look at the store. */
async function seal(ports: CommitPorts, base: CommitBase, draft: Draft): Promise<Sealed> {
  const nowMs = ports.clock.nowMs();
  const gen = generationAfter(base);
  const bundle = await sealBundle(ports.random, { ...identityOf(base), gen, entries: draft.unlock, ...draft });
  const sealed = { draft, bundle, sha256: sha256Hex(bundle), nowMs };
  checkBounds(base, sealed);
  return sealed;
}

async function write(ports: CommitPorts, base: CommitBase, parts: Sealed & Linked): Promise<Committed> {
  const { store } = ports;
  const { signingKey } = parts.draft;
  const key = await createBundle(store, parts.bundle, firstTsMs(parts.nowMs, currentTs(base)));
  ports.onPhase?.("bundle-created");
  const manifest = nextManifest(base, key, parts);
  await swapManifest(store, base, manifest, signingKey);
  ports.onPhase?.("manifest-swapped");
  const auditFault = await tryAppend(store, manifest, signingKey);
  if (auditFault === null) ports.onPhase?.("audit-appended");
  return { manifest, auditFault };
}

interface Sealed {
  readonly draft: Draft;
  readonly bundle: Uint8Array;
  /** Of the bundle. */
  readonly sha256: string;
  readonly nowMs: number;
}

interface Linked {
  readonly previousRow: Uint8Array | null;
}

function generationAfter(base: CommitBase): number {
  return base.kind === "first" ? 1 : base.manifest.gen + 1;
}

function identityOf(base: CommitBase): { vault: string; repo: string; env: string } {
  const { vault, repo, env } = base.kind === "first" ? base : base.manifest;
  return { vault, repo, env };
}

function currentTs(base: CommitBase): string | null {
  return base.kind === "first" ? null : base.manifest.bundle.key.slice(BUNDLE_PREFIX.length);
}

/** Everything that can be refused is refused before the first write: the manifest is made once with stand-ins. */
function checkBounds(base: CommitBase, sealed: Sealed): void {
  const { bundle, draft, nowMs } = sealed;
  if (bundle.length > MAX_BUNDLE_BYTES) {
    throw new InputError(`the vault would be ${bundle.length} bytes, more than the ${MAX_BUNDLE_BYTES} that fit`, {
      hint: "keep large files elsewhere and store their location and key here",
    });
  }
  const fault = canonicalFault(draft.meta);
  if (fault !== null) {
    throw new InputError(`the audit meta cannot be written: it ${fault}`, {
      hint: "give plain text, as in --meta ticket=OPS-7",
    });
  }
  const key = bundleKey(formatTs(firstTsMs(nowMs, currentTs(base)) + MAX_BUNDLE_KEY_TRIES));
  const manifest = nextManifest(base, key, { ...sealed, previousRow: new Uint8Array() });
  const bytes = encodeManifest(manifest, draft.signingKey);
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new InputError("note and meta do not fit: a manifest has at most 1 MiB", {
      hint: "shorten --note and --meta, and name where the rest stands",
    });
  }
  refuseUnreadable(bytes);
}

/** A manifest that no reader would take: a clock beyond the year 9999, a note with half a surrogate pair. */
function refuseUnreadable(manifest: Uint8Array): void {
  try {
    parseManifest(manifest);
  } catch (error) {
    if (error instanceof NotAuthenticError) {
      throw new InputError(`this cannot be committed: ${error.message}`, {
        hint: "look at --note, --meta and the names of this machine and user, which the audit row tells",
      });
    }
    throw error;
  }
}

async function createBundle(store: ObjectStore, bundle: Uint8Array, firstMs: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    const key = bundleKey(formatTs(firstMs + tries));
    try {
      await store.create(key, bundle);
      return key;
    } catch (error) {
      // A crashed commit's orphan has this name and other bytes: the next millisecond is as good.
      if (!(error instanceof ConflictError) || tries >= MAX_BUNDLE_KEY_TRIES) throw error;
    }
  }
}

function nextManifest(base: CommitBase, key: string, parts: Sealed & Linked): Manifest {
  const { draft } = parts;
  const at = new Date(parts.nowMs).toISOString();
  const signer = encodeBase64(draft.signingKey.publicKey);
  return {
    format: MANIFEST_FORMAT,
    ...identityOf(base),
    gen: generationAfter(base),
    prev_gen: base.kind === "first" ? 0 : base.manifest.gen,
    at,
    rotated_at: base.kind === "first" || draft.rotates ? at : base.manifest.rotated_at,
    action: draft.action,
    actor: draft.actor,
    meta: draft.meta,
    ...(draft.note === undefined ? {} : { note: draft.note }),
    bundle: { key, size: parts.bundle.length, sha256: parts.sha256 },
    unlock: draft.unlock.map((entry) => ({ ...entry })),
    signer,
    ...linksOf(base, signer, parts.previousRow),
  };
}

function linksOf(base: CommitBase, signer: string, previousRow: Uint8Array | null): Partial<Manifest> {
  if (base.kind === "first" || previousRow === null) return {};
  return {
    ...(base.manifest.signer === signer ? {} : { prev_signer: base.manifest.signer }),
    audit: { gen: base.manifest.gen, sha256: sha256Hex(previousRow) },
    prev: base.sha256,
  };
}

async function swapManifest(store: ObjectStore, base: CommitBase, manifest: Manifest, key: SigningKey): Promise<void> {
  const bytes = encodeManifest(manifest, key);
  try {
    if (base.kind === "first") await store.create(MANIFEST_KEY, bytes);
    else await store.replace(MANIFEST_KEY, bytes, base.version);
  } catch (error) {
    const failure = error instanceof ConflictError ? await settleConflict(store, manifest, key, error) : error;
    if (failure !== null) throw namingTheBundle(failure, manifest);
  }
}

/**
 * Where the answer to our swap was lost and another commit already stands on ours, the manifest's bytes are no longer
 * ours, but that commit has first appended our audit row. Null where it is there: then ours stands.
 */
async function settleConflict(
  store: ObjectStore,
  manifest: Manifest,
  key: SigningKey,
  conflict: ConflictError,
): Promise<unknown> {
  try {
    return (await holdsAuditRow(store, manifest.gen, encodeAuditRow(manifest, key))) ? null : conflict;
  } catch (error) {
    return error instanceof VsyncError ? new OutcomeUnknownError(error.message) : error;
  }
}

function namingTheBundle(error: unknown, manifest: Manifest): unknown {
  const stale = `stale object at ${manifest.bundle.key} is harmless (manifest never named it)`;
  if (error instanceof ConflictError) {
    return new ConflictError(`another writer committed generation ${manifest.gen} first; ${stale}`);
  }
  if (error instanceof OutcomeUnknownError) {
    return new OutcomeUnknownError(`generation ${manifest.gen} may or may not have been committed: ${error.message}`);
  }
  const details = error instanceof VsyncError && error.hint !== undefined ? { hint: error.hint } : {};
  if (error instanceof AccessDeniedError) return new AccessDeniedError(`${error.message}; ${stale}`, details);
  if (error instanceof S3UnreachableError) return new S3UnreachableError(`${error.message}; ${stale}`, details);
  return error;
}

async function tryAppend(store: ObjectStore, manifest: Manifest, key: SigningKey): Promise<VsyncError | null> {
  try {
    await appendAuditRow(store, manifest, key);
    return null;
  } catch (error) {
    if (error instanceof VsyncError) return error;
    throw error;
  }
}
