import * as oclifArgs from "@oclif/core/args";
import * as oclifFlags from "@oclif/core/flags";
import type { InferredFlags } from "@oclif/core/interfaces";
import type { FlagInput } from "@oclif/core/parser";

/** The kinds of flags. A secret is never a flag's value; it gets a `--…-file` flag: see `secret-input.ts`. */
export const Flags = {
  boolean: oclifFlags.boolean,
  integer: oclifFlags.integer,
  option: oclifFlags.option,
  string: oclifFlags.string,
} as const;

/** The values of flags, as far as they are given. */
export type Given<Flags extends FlagInput> = {
  readonly [Name in keyof Flags & keyof InferredFlags<Flags>]?: Readonly<InferredFlags<Flags>[Name]> | undefined;
};

/** A positional argument. Without `ignoreStdin`, oclif would read a missing one from stdin, which is data here. */
export function arg(description: string) {
  return oclifArgs.string({ description, ignoreStdin: true });
}

/** Like `arg`, but missing is an error. */
export function requiredArg(description: string) {
  return oclifArgs.string({ description, ignoreStdin: true, required: true });
}

/** Like `requiredArg`, with a choice of values. */
export function choiceArg<const T extends string>(description: string, options: readonly T[]) {
  return oclifArgs.custom<T>({ description, options: [...options], ignoreStdin: true })({ required: true });
}

/** Every command has these. */
export const COMMON_FLAGS = {
  "log-level": oclifFlags.option({
    options: ["silent", "error", "warn", "info", "debug"] as const,
    description: "what to log on stderr, as JSON",
    default: "silent" as const,
    helpGroup: "GLOBAL",
  })(),
  "no-input": oclifFlags.boolean({
    description: "never ask, even on a terminal (default: VSYNC_NO_INPUT)",
    helpGroup: "GLOBAL",
  }),
};

/** These choose the vault. Day-to-day commands also take `ENV_ARG`. */
export const VAULT_FLAGS = {
  env: oclifFlags.string({ description: "env of the vault", helpValue: "<env>" }),
  repo: oclifFlags.string({
    description: "repository (default: `VSYNC_REPO`, else the folder's)",
    helpValue: "<name>",
  }),
};

/** The env as an argument, in addition to `VAULT_FLAGS`. */
export const ENV_ARG = { env: arg("env of the vault, like `--env`") };

/** For a command that asks before it removes or undoes something: see `requireConsent`. */
export const CONSENT_FLAGS = {
  yes: oclifFlags.boolean({ char: "y", description: "do not ask (a protected env needs --confirm)" }),
  confirm: oclifFlags.string({ description: "do not ask, even in a protected env", helpValue: "<env>" }),
};

/** For `--theirs` and `--ours`. */
export const SETTLED_FLAG = { helpValue: "<name>,<name>", multiple: true, delimiter: "," } as const;

export const NOTE_FLAG = {
  note: oclifFlags.string({ description: "note for the audit row", helpValue: "<text>" }),
};

export const TAIL_FLAG = {
  tail: oclifFlags.integer({
    description: "show only this many of the newest, and fetch nothing older",
    helpValue: "<number>",
    min: 1,
  }),
};

export const JSON_FLAG = { json: oclifFlags.boolean({ description: "print the result as JSON" }) };

export const PASSPHRASE_FLAG = {
  "passphrase-file": oclifFlags.string({
    description: "file with the passphrase (- for stdin)",
    helpValue: "<file>",
  }),
};

/** For a command that opens a vault: which one, and its passphrase. */
export const SESSION_FLAGS = { ...VAULT_FLAGS, ...PASSPHRASE_FLAG };

/** The store's location, for commands that can override the config's. */
export const LOCATION_FLAGS = {
  endpoint: oclifFlags.string({
    description: "`https://…`, `http://…` or `file:///…`",
    helpValue: "<url>",
    helpGroup: "STORE",
  }),
  region: oclifFlags.string({
    description: "region to sign requests for",
    helpValue: "<region>",
    helpGroup: "STORE",
  }),
  bucket: oclifFlags.string({
    description: "bucket, or folder below a `file:///…` endpoint",
    helpValue: "<name>",
    helpGroup: "STORE",
  }),
  prefix: oclifFlags.string({
    description: "prefix of the vault's objects, ending in /",
    helpValue: "<prefix>/",
    helpGroup: "STORE",
  }),
};

/** What the bucket's owner requires of requests. */
export const TERMS_FLAGS = {
  "kms-key": oclifFlags.string({
    description: "KMS key for the bucket to encrypt with (SSE-KMS): ARN, id or alias; empty: the bucket's default",
    helpValue: "<key>",
    helpGroup: "STORE",
  }),
  "bucket-key": oclifFlags.boolean({
    description: "with --kms-key, ask for S3 Bucket Keys",
    helpGroup: "STORE",
    dependsOn: ["kms-key"],
  }),
  "requester-pays": oclifFlags.boolean({
    description: "agree to pay for requests to a Requester Pays bucket",
    helpGroup: "STORE",
  }),
};

/** The store's credentials. */
export const CREDENTIAL_FLAGS = {
  "access-key": oclifFlags.string({
    description: "access key id (default: VSYNC_ACCESS_KEY)",
    helpValue: "<id>",
    helpGroup: "CREDENTIALS",
  }),
  "secret-key": oclifFlags.string({
    description: "secret access key, visible to other users here",
    helpValue: "<secret>",
    helpGroup: "CREDENTIALS",
    exclusive: ["secret-key-file"],
  }),
  "secret-key-file": oclifFlags.string({
    description: "file with the secret access key, - for stdin (default: VSYNC_SECRET_KEY(_FILE))",
    helpValue: "<file>",
    helpGroup: "CREDENTIALS",
  }),
  "session-token": oclifFlags.string({
    description: "session token, visible to other users here",
    helpValue: "<token>",
    helpGroup: "CREDENTIALS",
    exclusive: ["session-token-file"],
  }),
  "session-token-file": oclifFlags.string({
    description: "file with the session token, - for stdin (default: VSYNC_SESSION_TOKEN(_FILE))",
    helpValue: "<file>",
    helpGroup: "CREDENTIALS",
  }),
  ambient: oclifFlags.boolean({
    description: "use the platform's credentials instead of keys",
    helpGroup: "CREDENTIALS",
    exclusive: ["access-key", "secret-key", "secret-key-file", "session-token", "session-token-file"],
  }),
};

/** A separate key for tokens, besides the operator's own. */
export const APP_KEY_FLAGS = {
  "app-access-key": oclifFlags.string({
    description: "read-only access key id for apps (default: VSYNC_APP_ACCESS_KEY)",
    helpValue: "<id>",
    helpGroup: "CREDENTIALS",
  }),
  "app-secret-key-file": oclifFlags.string({
    description: "file with its secret access key, - for stdin (default: VSYNC_APP_SECRET_KEY(_FILE))",
    helpValue: "<file>",
    helpGroup: "CREDENTIALS",
  }),
};
