/**
 * Every failure that vsync reports. Errors have only `code`, `hint` and a place (`row`, `path`) or a `reason`, so they
 * cannot carry a secret. The exit code of a failure depends on the command: see `exit-codes.ts`.
 */

/** The stable names that programs may depend on. */
export type ErrorCode =
  | "ACCESS_DENIED"
  | "ACCESS_TOKEN"
  | "AUDIT_BROKEN"
  | "AUDIT_OUTSTANDING"
  | "BUNDLE_CORRUPT"
  | "CONFIG_INVALID"
  | "CONFIG_MISSING"
  | "CONFIG_UNSUPPORTED_VERSION"
  | "CONFLICT"
  | "GRANT_INVALID"
  | "INPUT"
  | "INTERRUPTED"
  | "LOCAL_CONFIG_MISSING"
  | "MANIFEST_NOT_FOUND"
  | "MANIFEST_SWAP_FAILED"
  | "NOT_AUTHENTIC"
  | "OUTCOME_UNKNOWN"
  | "PASSPHRASE_UNDELIVERED"
  | "PASSPHRASE_RETIRED"
  | "PROGRAM_NOT_FOUND"
  | "PROGRAM_NOT_STARTED"
  | "ROLLBACK"
  | "S3_UNREACHABLE"
  | "TOKEN_EXPIRED"
  | "TOKEN_REVOKED"
  | "TOKEN_UNDELIVERED"
  | "TOKEN_UNKNOWN"
  | "STALE_BASE"
  | "UNSUPPORTED_SPEC_VERSION"
  | "VAULT_MOVED"
  | "WRONG_PASSPHRASE";

export interface ErrorDetails {
  /** The next command or step. Starts in lower case and has no full stop. */
  readonly hint?: string;
}

export abstract class VsyncError extends Error {
  /** The documented class, written out because a minifier renames classes. Undocumented subclasses inherit it. */
  abstract override readonly name: string;
  abstract readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.hint = details.hint ?? new.target.usualHint;
  }

  /** The next step, unless the place that throws gives a better one. */
  protected static readonly usualHint: string | undefined = undefined;
}

/** The user gave a wrong flag, value or answer, or none. */
export class InputError extends VsyncError {
  readonly name = "InputError";
  readonly code = "INPUT";

  /** The hint is required: it says what to give instead. */
  constructor(message: string, { hint }: Required<ErrorDetails>) {
    super(message, { hint });
  }
}

/** The user pressed Ctrl-C at a prompt or during a command. */
export class InterruptedError extends VsyncError {
  readonly name = "InterruptedError";
  readonly code = "INTERRUPTED";
}

/** The program that `run` starts does not exist. */
export class ProgramNotFoundError extends VsyncError {
  readonly name = "ProgramNotFoundError";
  readonly code = "PROGRAM_NOT_FOUND";
}

/** The program that `run` starts exists, and the system cannot execute it. */
export class ProgramNotStartedError extends VsyncError {
  protected static override readonly usualHint = "check whether it starts without vsync";
  readonly name = "ProgramNotStartedError";
  readonly code = "PROGRAM_NOT_STARTED";
}

/** This machine's config file for the (repo, env) is missing or unusable. */
export class LocalConfigMissingError extends VsyncError {
  readonly name = "LocalConfigMissingError";
  readonly code = "LOCAL_CONFIG_MISSING";
}

/** The runtime token or the passphrase is unset, empty, or in a file that vsync cannot or will not read. */
export class ConfigMissingError extends VsyncError {
  readonly name = "ConfigMissingError";
  readonly code = "CONFIG_MISSING";
}

/** The runtime token is malformed. */
export class ConfigInvalidError extends VsyncError {
  readonly name = "ConfigInvalidError";
  readonly code = "CONFIG_INVALID";
}

/** This program does not know the envelope or version of the runtime token. */
export class ConfigUnsupportedVersionError extends VsyncError {
  readonly name = "ConfigUnsupportedVersionError";
  readonly code = "CONFIG_UNSUPPORTED_VERSION";
}

/** The store could not be reached, or answered 5xx. Directories throw this too; the name is documented API. */
export class S3UnreachableError extends VsyncError {
  protected static override readonly usualHint = "check the endpoint and the network, then run the same command again";
  readonly name = "S3UnreachableError";
  readonly code = "S3_UNREACHABLE";
}

/** The store refused the request (401, 403, EACCES). */
export class AccessDeniedError extends VsyncError {
  protected static override readonly usualHint =
    "check the credentials and their permissions: `vsync policy` prints the least that a role needs";
  readonly name = "AccessDeniedError";
  readonly code = "ACCESS_DENIED";
}

/** A conditional write failed, because the object was not in the expected state. It wrote nothing. */
export class ConflictError extends VsyncError {
  protected static override readonly usualHint = "run the same command again: it starts from the newest generation";
  readonly name = "ConflictError";
  readonly code = "CONFLICT";
}

/** A file would undo newer work in the vault, or was pulled from another vault. Trying again does not help. */
export class StaleBaseError extends VsyncError {
  readonly name = "StaleBaseError";
  readonly code = "STALE_BASE";
}

/** The vault has moved. vsync never follows by itself, because somebody else may control the new place. */
export class VaultMovedError extends VsyncError {
  readonly name = "VaultMovedError";
  readonly code = "VAULT_MOVED";
}

/** The response to a write was lost, and reading back failed as well. */
export class OutcomeUnknownError extends VsyncError {
  protected static override readonly usualHint =
    "once the store answers again, run `vsync status --remote` to see which generation is current";
  readonly name = "OutcomeUnknownError";
  readonly code = "OUTCOME_UNKNOWN";
}

/** The store refused the swap of the manifest or could not be reached. The swap did not happen. */
export class ManifestSwapFailedError extends VsyncError {
  readonly name = "ManifestSwapFailedError";
  readonly code = "MANIFEST_SWAP_FAILED";
}

/** The commit stands, but its audit row could not be appended. */
export class AuditOutstandingError extends VsyncError {
  readonly name = "AuditOutstandingError";
  readonly code = "AUDIT_OUTSTANDING";
}

/** The rotation stands, but its generated passphrase could not be printed. */
export class PassphraseUndeliveredError extends VsyncError {
  readonly name = "PassphraseUndeliveredError";
  readonly code = "PASSPHRASE_UNDELIVERED";
}

/** The token stands, but its credential could not be printed, and vsync cannot print it again. */
export class TokenUndeliveredError extends VsyncError {
  readonly name = "TokenUndeliveredError";
  readonly code = "TOKEN_UNDELIVERED";
}

/** This prefix has no manifest: nobody has pushed yet, or somebody deleted it. */
export class ManifestNotFoundError extends VsyncError {
  readonly name = "ManifestNotFoundError";
  readonly code = "MANIFEST_NOT_FOUND";
}

/** The manifest's form, bounds, endorsement, signature, vault or env is wrong. */
export class NotAuthenticError extends VsyncError {
  protected static override readonly usualHint =
    "do not use this vault: check who can write to the store, and its object versions if it keeps them";
  readonly name = "NotAuthenticError";
  readonly code = "NOT_AUTHENTIC";
}

/** The passphrase does not open the vault. */
export class WrongPassphraseError extends VsyncError {
  readonly name: string = "WrongPassphraseError";
  readonly code: "WRONG_PASSPHRASE" | "PASSPHRASE_RETIRED" = "WRONG_PASSPHRASE";
}

/** The passphrase was right until its grace window ended. */
export class PassphraseRetiredError extends WrongPassphraseError {
  override readonly name = "PassphraseRetiredError";
  override readonly code = "PASSPHRASE_RETIRED";
}

/** The manifest is older than a generation that the token or this machine has seen. */
export class RollbackError extends VsyncError {
  protected static override readonly usualHint =
    "restore the newest version of the object `manifest` from the bucket's object versions or a backup";
  readonly name = "RollbackError";
  readonly code = "ROLLBACK";
}

/** The bundle is absent, or its size, digest, header, slot, boxes or index are wrong. */
export class BundleCorruptError extends VsyncError {
  protected static override readonly usualHint = "restore the object from the bucket's object versions or a backup";
  readonly name = "BundleCorruptError";
  readonly code = "BUNDLE_CORRUPT";
}

/** This program does not know the vault's format or key derivation. */
export class UnsupportedSpecVersionError extends VsyncError {
  protected static override readonly usualHint = "upgrade vsync: a newer version may have written this vault";
  readonly name = "UnsupportedSpecVersionError";
  readonly code = "UNSUPPORTED_SPEC_VERSION";
}

/** The audit chain breaks at the row of generation `row`. */
export class AuditBrokenError extends VsyncError {
  readonly name = "AuditBrokenError";
  readonly code = "AUDIT_BROKEN";
  readonly row: number;

  constructor(row: number, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.row = row;
  }
}

/** The vault does not open for a scoped token. The subclass says why. */
export abstract class TokenRefusedError extends VsyncError {
  abstract override readonly code: "TOKEN_UNKNOWN" | "TOKEN_REVOKED" | "TOKEN_EXPIRED";
}

/** The vault has no slot or tombstone for the scoped token: it belongs to another vault, or ended long ago. */
export class TokenUnknownError extends TokenRefusedError {
  readonly name = "TokenUnknownError";
  readonly code = "TOKEN_UNKNOWN";
}

/** The scoped token was revoked, or replaced by a rotation. */
export class TokenRevokedError extends TokenRefusedError {
  readonly name = "TokenRevokedError";
  readonly code = "TOKEN_REVOKED";
}

/** The scoped token has expired. */
export class TokenExpiredError extends TokenRefusedError {
  readonly name = "TokenExpiredError";
  readonly code = "TOKEN_EXPIRED";
}

/** Grants, permissions, settings or claims in the input are invalid at `path`. */
export class GrantInvalidError extends VsyncError {
  readonly name = "GrantInvalidError";
  readonly code = "GRANT_INVALID";
  /** Such as `grants[1].scopes.tunnels.create.filters.protocol`. */
  readonly path: string;

  constructor(path: string, fault: string, details: ErrorDetails = {}) {
    super(`${path}: ${fault}`, details);
    this.path = path;
  }
}

/** Why a verifier refuses an access token (`docs/format.md`, Access tokens). */
export type AccessTokenReason =
  | "malformed"
  | "unknown_key"
  | "bad_signature"
  | "wrong_issuer"
  | "wrong_audience"
  | "not_yet_valid"
  | "expired"
  | "revoked"
  | "not_permitted"
  | "stale";

/** A verifier refuses the access token that it was shown; `reason` says why. */
export class AccessTokenError extends VsyncError {
  readonly name = "AccessTokenError";
  readonly code = "ACCESS_TOKEN";
  readonly reason: AccessTokenReason;

  constructor(reason: AccessTokenReason, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.reason = reason;
  }
}
