import {
  AccessDeniedError,
  ManifestSwapFailedError,
  OutcomeUnknownError,
  S3UnreachableError,
  VsyncError,
} from "../../errors.ts";
import type { CommitPhase, CommitPorts } from "./commit.ts";

/**
 * Runs a commit whose errors are to say whether it failed before the swap of the manifest or at it, for commands that end
 * with another exit code for each.
 *
 * @throws S3UnreachableError also in place of an unknown outcome of a write before the swap
 * @throws ManifestSwapFailedError the store refused or was lost at the swap, which was not applied
 * @throws OutcomeUnknownError of the swap itself
 * @throws ConflictError another commit was faster, whenever that showed
 */
export async function tellingTheSwap<T>(ports: CommitPorts, commit: (ports: CommitPorts) => Promise<T>): Promise<T> {
  let reached: CommitPhase | null = null;
  const onPhase = (phase: CommitPhase): void => {
    reached = phase;
    ports.onPhase?.(phase);
  };
  try {
    return await commit({ ...ports, onPhase });
  } catch (error) {
    throw error instanceof VsyncError ? told(error, reached) : error;
  }
}

function told(error: VsyncError, reached: CommitPhase | null): VsyncError {
  const isRefused = error instanceof AccessDeniedError || error instanceof S3UnreachableError;
  if (reached === null && error instanceof OutcomeUnknownError) return uploadFailed(error);
  return reached === "bundle-created" && isRefused ? swapFailed(error) : error;
}

/** Whatever the bundle's upload has left, no manifest names it. */
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
