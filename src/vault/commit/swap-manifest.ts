import type { SigningKey } from "../../crypto/signing.ts";
import {
  AccessDeniedError,
  ConflictError,
  ManifestSwapFailedError,
  OutcomeUnknownError,
  S3UnreachableError,
  VsyncError,
} from "../../errors.ts";
import type { ObjectStore, Version } from "../../ports.ts";
import { holdsAuditRow } from "../audit/append.ts";
import { encodeAuditRow } from "../format/audit-row.ts";
import { encodeManifest, type Manifest } from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import type { CommitStep } from "./proposal.ts";

/**
 * Writes the manifest in place of `current`, or creates the first one. Settles a conflict, which may be with our own write
 * whose answer was lost.
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
 * Another commit may already be on top of ours. The manifest then has other bytes, but that commit first appended our audit
 * row. Returns null if the row exists: our swap was applied.
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

/**
 * The same steps, with errors that tell a failure before the swap of the manifest from one at it: `rotate-passphrase` has
 * an exit code for each.
 *
 * @throws S3UnreachableError also instead of an unknown outcome of a write before the swap
 * @throws ManifestSwapFailedError the store refused or was lost at the swap, which was not applied
 * @throws OutcomeUnknownError of the swap itself
 * @throws ConflictError another commit was faster, at any step
 */
export async function* tellingTheSwap(steps: AsyncIterable<CommitStep>): AsyncGenerator<CommitStep, void> {
  let reached: CommitStep["kind"] = "ready";
  try {
    for await (const step of steps) {
      reached = step.kind;
      yield step;
    }
  } catch (error) {
    throw error instanceof VsyncError ? told(error, reached) : error;
  }
}

function told(error: VsyncError, reached: CommitStep["kind"]): VsyncError {
  const isRefused = error instanceof AccessDeniedError || error instanceof S3UnreachableError;
  if (reached === "ready" && error instanceof OutcomeUnknownError) return uploadFailed(error);
  return reached === "bundle-created" && isRefused ? swapFailed(error) : error;
}

/** A failed upload may leave an object that no manifest names. */
function uploadFailed(error: VsyncError): S3UnreachableError {
  return new S3UnreachableError(`the new generation was not written: ${error.message}`, {
    hint: "the vault is as it was: run the same command again",
  });
}

function swapFailed(error: VsyncError): ManifestSwapFailedError {
  return new ManifestSwapFailedError(`the manifest was not swapped: ${error.message}`, {
    hint: error.hint ?? "the vault is as it was: run the same command again",
  });
}
