import type { SigningKey } from "../../crypto/signing.ts";
import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError, VsyncError } from "../../errors.ts";
import type { ObjectStore, Version } from "../../ports.ts";
import { holdsAuditRow } from "../audit/append.ts";
import { encodeAuditRow } from "../format/audit-row.ts";
import { encodeManifest, type Manifest } from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";

/**
 * Writes the manifest where `current` is, or where there is none yet. A conflict may be with ourselves, and is settled.
 *
 * @throws ConflictError another commit was faster; the bundle is named by no manifest
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
