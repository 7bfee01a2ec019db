import type { ErrorCode } from "./errors.ts";

/** How a command ends. The base command, the help, the man pages and docs/exit-codes.md all read these tables. */
export interface ExitCodes {
  /** What each exit code of the command tells a script. */
  readonly meanings: Readonly<Record<number, string>>;
  readonly failures: Readonly<Record<ErrorCode, number>>;
}

/** With `--exit-code`: something would change. */
export const DIFFERENT_EXIT_CODE = 7;

/** For a bug in this program, which no table lists. */
export const UNEXPECTED_EXIT_CODE = 1;

// Scripts depend on these numbers, so they never change.
export const DAY_TO_DAY_EXIT_CODES: ExitCodes = {
  meanings: {
    0: "done",
    1: "missing or wrong input, a wrong passphrase, a token that has ended, or no vault yet",
    2: "the store refused the credentials",
    3: "the store could not be reached, or did not say whether it wrote",
    4: "this machine has no config for the env",
    5: "a conflict: the vault or a local file has changed, or the audit row is outstanding",
    6: "the vault is corrupt, not authentic, or older than seen before",
    7: "with --exit-code: there are differences",
    130: "ended by Ctrl-C",
  },
  failures: {
    INPUT: 1,
    CONFIG_MISSING: 1,
    CONFIG_INVALID: 1,
    CONFIG_UNSUPPORTED_VERSION: 1,
    WRONG_PASSPHRASE: 1,
    PASSPHRASE_RETIRED: 1,
    TOKEN_UNKNOWN: 1,
    TOKEN_REVOKED: 1,
    TOKEN_EXPIRED: 1,
    TOKEN_UNDELIVERED: 1,
    GRANT_INVALID: 1,
    ACCESS_TOKEN: 1,
    MANIFEST_NOT_FOUND: 1,
    ACCESS_DENIED: 2,
    S3_UNREACHABLE: 3,
    MANIFEST_SWAP_FAILED: 3,
    OUTCOME_UNKNOWN: 3,
    LOCAL_CONFIG_MISSING: 4,
    VAULT_MOVED: 4,
    AUDIT_OUTSTANDING: 5,
    PASSPHRASE_UNDELIVERED: 5,
    CONFLICT: 5,
    STALE_BASE: 5,
    AUDIT_BROKEN: 6,
    BUNDLE_CORRUPT: 6,
    NOT_AUTHENTIC: 6,
    ROLLBACK: 6,
    UNSUPPORTED_SPEC_VERSION: 6,
    PROGRAM_NOT_STARTED: 126,
    PROGRAM_NOT_FOUND: 127,
    INTERRUPTED: 130,
  },
};

const { [DIFFERENT_EXIT_CODE]: _different, ...READING } = DAY_TO_DAY_EXIT_CODES.meanings;

/** The same as env, nohup and timeout use. */
export const RUN_EXIT_CODES: ExitCodes = {
  meanings: {
    ...READING,
    0: "the program ended with 0; any other code of the program comes back, too",
    126: "the program was found, and cannot be executed",
    127: "the program was not found",
  },
  failures: DAY_TO_DAY_EXIT_CODES.failures,
};

export const RUNTIME_TOKEN_EXIT_CODES: ExitCodes = {
  meanings: {
    0: "written",
    1: "missing input",
    2: "the token's credentials cannot read the manifest",
    3: "the store could not be reached",
    4: "this machine has no config for the env",
    130: "ended by Ctrl-C",
  },
  failures: DAY_TO_DAY_EXIT_CODES.failures,
};

export const TOKENS_LIST_EXIT_CODES: ExitCodes = {
  meanings: { ...DAY_TO_DAY_EXIT_CODES.meanings, 7: "with --expiring: a token expires within that time, or did" },
  failures: DAY_TO_DAY_EXIT_CODES.failures,
};

export const TOKENS_EXPLAIN_EXIT_CODES: ExitCodes = {
  meanings: {
    ...DAY_TO_DAY_EXIT_CODES.meanings,
    0: "explained, with yes or no",
    7: "with --exit-code: the token may not do it",
  },
  failures: DAY_TO_DAY_EXIT_CODES.failures,
};

export const USAGE_EXIT_CODES: ExitCodes = {
  meanings: {
    ...DAY_TO_DAY_EXIT_CODES.meanings,
    7: "done, but check what it reports: batches that are refused, missing, rewritten or backdated",
  },
  failures: DAY_TO_DAY_EXIT_CODES.failures,
};

export const ROTATE_EXIT_CODES: ExitCodes = {
  meanings: {
    0: "rotated, and the audit row is written",
    1: "wrong old passphrase, new ones that differ, missing input, or no vault yet",
    2: "the store failed before the swap; nothing has changed",
    3: "the swap failed, or another write came first",
    4: "rotated, but the audit row is outstanding: `vsync audit reconcile` appends it",
    5: "this machine has no config for the env",
    6: "the vault is corrupt, not authentic, or older than seen before; nothing has changed",
    130: "ended by Ctrl-C",
  },
  failures: {
    ...DAY_TO_DAY_EXIT_CODES.failures,
    S3_UNREACHABLE: 2,
    CONFLICT: 3,
    STALE_BASE: 3,
    AUDIT_OUTSTANDING: 4,
    PASSPHRASE_UNDELIVERED: 4,
    LOCAL_CONFIG_MISSING: 5,
    VAULT_MOVED: 5,
  },
};

/** When each failure happens, in a user's words. */
export const FAILURES: Readonly<Record<ErrorCode, string>> = {
  INPUT: "A flag, a value or an answer is missing or wrong.",
  CONFIG_MISSING:
    "The runtime token or the passphrase is unset or empty, or its file is missing, unreadable or writable by everyone.",
  CONFIG_INVALID: "The runtime token is not one that `vsync runtime-token` wrote.",
  CONFIG_UNSUPPORTED_VERSION: "The runtime token has an envelope or version that this vsync does not know.",
  WRONG_PASSPHRASE: "The passphrase does not open the vault.",
  PASSPHRASE_RETIRED: "The passphrase was right until its grace window ended.",
  TOKEN_UNKNOWN: "The vault does not know the scoped token: it belongs to another vault, or ended long ago.",
  TOKEN_REVOKED: "The scoped token was revoked, or replaced by a rotation.",
  TOKEN_EXPIRED: "The scoped token has expired.",
  GRANT_INVALID: "The grants, permissions, settings or claims given are invalid at `path`.",
  ACCESS_TOKEN: "A verifier refuses an access token, for `reason`.",
  MANIFEST_NOT_FOUND: "The prefix holds no manifest: nobody has pushed yet, or somebody removed it.",
  ACCESS_DENIED: "The store refused the request (401, 403, EACCES).",
  S3_UNREACHABLE: "The store, S3 or a directory, could not be reached, or answered 5xx.",
  MANIFEST_SWAP_FAILED: "The store failed at the swap of the manifest, which did not take effect.",
  OUTCOME_UNKNOWN: "The answer to a write was lost, and reading it back failed too.",
  LOCAL_CONFIG_MISSING: "This machine's config for the repo and env is missing or unusable.",
  VAULT_MOVED: "The vault has moved to another place, which the message names.",
  PROGRAM_NOT_STARTED: "`vsync run` found the program, and the system cannot execute it.",
  PROGRAM_NOT_FOUND: "`vsync run` did not find the program.",
  AUDIT_OUTSTANDING: "The vault has changed, but the audit row could not be appended.",
  PASSPHRASE_UNDELIVERED: "The passphrase has changed, but the generated one could not be printed.",
  TOKEN_UNDELIVERED: "The token is made, but it could not be printed: rotate it.",
  CONFLICT: "The vault or a local file has changed in the meantime. Nothing was written.",
  STALE_BASE:
    "A file would undo what somebody changed in the vault since it was pulled, or was pulled from another vault. Nothing was written.",
  AUDIT_BROKEN: "The audit log is broken at `row`, a generation.",
  BUNDLE_CORRUPT: "The encrypted bundle is missing, or its content is not what the manifest signs.",
  NOT_AUTHENTIC: "The manifest is malformed, has the wrong signature, or belongs to another vault or env.",
  ROLLBACK: "The manifest is older than the generation that the token or this machine has seen.",
  UNSUPPORTED_SPEC_VERSION: "The vault uses a format or key derivation that this vsync does not know.",
  INTERRUPTED: "You ended a prompt or a command with Ctrl-C.",
};
