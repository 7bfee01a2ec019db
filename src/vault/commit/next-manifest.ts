import { canonicalFault } from "../../canonical-json.ts";
import { encodeBase64 } from "../../crypto/base64.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import {
  AccessDeniedError,
  ConflictError,
  InputError,
  NotAuthenticError,
  OutcomeUnknownError,
  S3UnreachableError,
  VsyncError,
} from "../../errors.ts";
import type { ObjectStore, Version } from "../../ports.ts";
import { holdsAuditRow } from "../audit/append.ts";
import { encodeAuditRow } from "../format/audit-row.ts";
import { parseBundle } from "../format/bundle-header.ts";
import { MAX_BUNDLE_BYTES, MAX_GEN, MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { encodeManifest, MANIFEST_FORMAT, type Manifest, parseManifest } from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import { signCert } from "../format/tokens/anchors.ts";
import { type CommitBase, currentGen, type Draft } from "./draft.ts";

/** A draft and its sealed bundle. */
export interface SealedDraft extends Draft {
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle, in hex. */
  readonly sha256: string;
  /** The time of the commit, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** The keys that certify the signer, in this order. */
  readonly anchors: readonly SigningKey[];
}

/**
 * The manifest of the generation after `base`.
 *
 * @param key the object key of the bundle
 * @param previousRow the current generation's audit row, as stored; null for the first commit
 */
export function nextManifest(
  base: CommitBase,
  draft: SealedDraft,
  key: string,
  previousRow: Uint8Array | null,
): Manifest {
  const { vault, repo, env, current } = base;
  const at = new Date(draft.nowMs).toISOString();
  const signer = encodeBase64(draft.signingKey.publicKey);
  return {
    format: MANIFEST_FORMAT,
    vault,
    repo,
    env,
    gen: currentGen(base) + 1,
    prev_gen: currentGen(base),
    at,
    rotated_at: current === null || draft.rotates ? at : current.manifest.rotated_at,
    action: draft.action,
    actor: draft.actor,
    meta: draft.meta,
    ...(draft.note === undefined ? {} : { note: draft.note }),
    bundle: { key, size: draft.bundle.length, sha256: draft.sha256 },
    unlock: draft.unlock,
    signer,
    ...linksOf(base, signer, previousRow),
    ...(draft.anchors.length === 0
      ? {}
      : { certs: draft.anchors.map((anchor) => signCert(anchor, { vault, signer })) }),
  };
}

function linksOf({ current }: CommitBase, signer: string, previousRow: Uint8Array | null): Partial<Manifest> {
  if (current === null || previousRow === null) return {};
  return {
    ...(current.manifest.signer === signer ? {} : { prev_signer: current.manifest.signer }),
    audit: { gen: current.manifest.gen, sha256: sha256Hex(previousRow) },
    prev: current.sha256,
  };
}

/**
 * Refuses, before the first write, everything that the format does not allow. It builds the manifest once with
 * placeholders to see whether readers would accept it.
 *
 * @param lastKey the longest key that the bundle may get
 * @throws InputError the bundle or the manifest is too large, or readers would refuse the manifest
 */
export function refuseUnwritable(base: CommitBase, draft: SealedDraft, lastKey: string): void {
  if (currentGen(base) >= MAX_GEN) {
    throw new InputError(`generation ${MAX_GEN} is the last that a vault can have`, {
      hint: "make a new vault below another prefix and push there",
    });
  }
  if (draft.bundle.length > MAX_BUNDLE_BYTES) throw tooLarge(base, draft);
  const fault = canonicalFault(draft.meta);
  if (fault !== null) {
    throw new InputError(`the audit meta cannot be written: it ${fault}`, {
      hint: "give plain text, as in --meta ticket=OPS-7",
    });
  }
  const bytes = encodeManifest(nextManifest(base, draft, lastKey, new Uint8Array()), draft.signingKey);
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new InputError("note and meta do not fit: a manifest has at most 1 MiB", {
      hint: "shorten --note and --meta, for example by linking to the details",
    });
  }
  refuseUnreadable(bytes);
}

function tooLarge(base: CommitBase, { bundle }: SealedDraft): InputError {
  const { header, boxes } = parseBundle(bundle, base.vault, currentGen(base) + 1);
  const itemBytes = boxes.reduce((sum, box) => sum + box.length, 0);
  const share =
    header.boxes === undefined ? "" : `: ${itemBytes} of items, ${bundle.length - itemBytes} of tokens and names`;
  return new InputError(
    `the vault would be ${bundle.length} bytes, more than the ${MAX_BUNDLE_BYTES} that fit${share}`,
    {
      hint: "keep large files elsewhere and store their location and key here",
    },
  );
}

/** Catches, for example, a clock beyond the year 9999, or a note with half a surrogate pair. */
function refuseUnreadable(manifest: Uint8Array): void {
  try {
    parseManifest(manifest);
  } catch (error) {
    if (!(error instanceof NotAuthenticError)) throw error;
    throw new InputError(`this cannot be committed: ${error.message}`, {
      hint: "check --note, --meta, and the names of this machine and user, which the audit row records",
    });
  }
}

/**
 * Replaces the manifest `current`, or creates the first one. On a conflict it reads back, because the conflict may be
 * with our own write whose response was lost.
 *
 * @throws ConflictError another commit was faster; no manifest names the bundle
 * @throws OutcomeUnknownError the write was sent and cannot be read back
 */
export async function swapManifest(
  store: ObjectStore,
  current: Version | null,
  manifest: Manifest,
  key: SigningKey,
): Promise<void> {
  const bytes = encodeManifest(manifest, key);
  try {
    if (current === null) await store.create(MANIFEST_KEY, bytes);
    else await store.replace(MANIFEST_KEY, bytes, current);
  } catch (error) {
    const failure = error instanceof ConflictError ? await settleConflict(store, manifest, key, error) : error;
    if (failure !== null) throw namingTheBundle(failure, manifest);
  }
}

/**
 * Another commit may already be on top of ours. Then the manifest has other bytes, but that commit has first appended
 * our audit row. Returns null if our row exists, which proves that our swap succeeded.
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
