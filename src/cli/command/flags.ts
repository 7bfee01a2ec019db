import * as oclifArgs from "@oclif/core/args";
import * as oclifFlags from "@oclif/core/flags";

/** What a command may declare. Secrets have no flag of their own but `--…-file`: see `secret-input.ts`. */
export const Flags = {
  boolean: oclifFlags.boolean,
  integer: oclifFlags.integer,
  option: oclifFlags.option,
  string: oclifFlags.string,
} as const;

/** A positional argument. oclif would read a missing one from stdin, ten milliseconds long: here stdin is data. */
export function arg(description: string) {
  return oclifArgs.string({ description, ignoreStdin: true });
}

/** As `arg`, and the command ends with 1 where it is missing. */
export function requiredArg(description: string) {
  return oclifArgs.string({ description, ignoreStdin: true, required: true });
}

/** As `requiredArg`, one of these. */
export function choiceArg<const T extends string>(description: string, options: readonly T[]) {
  return oclifArgs.custom<T>({ description, options: [...options], ignoreStdin: true })({ required: true });
}

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every command takes. */
export const COMMON_FLAGS = {
  "log-level": oclifFlags.option({
    options: LOG_LEVELS,
    description: "what to log on stderr; never a secret",
    default: "silent" as LogLevel,
    helpGroup: "GLOBAL",
  })(),
};

/** Which vault is meant, for commands that take `--env` only. */
export const VAULT_FLAGS = {
  env: oclifFlags.string({ description: "environment of the vault", helpValue: "<env>" }),
  repo: oclifFlags.string({
    description: "name of the repository; else `VSYNC_REPO`, the name in package.json, the git top level folder",
    helpValue: "<name>",
  }),
};

/** Which vault is meant, as an argument: for day-to-day commands, beside `VAULT_FLAGS`. */
export const ENV_ARG = { env: arg("environment of the vault, as `--env`") };

export const NOTE_FLAG = {
  note: oclifFlags.string({ description: "note for the audit row", helpValue: "<text>" }),
};

export const JSON_FLAG = { json: oclifFlags.boolean({ description: "print the result as JSON" }) };

export const PASSPHRASE_FLAG = {
  "passphrase-file": oclifFlags.string({
    description: "file that holds the passphrase (- is stdin)",
    helpValue: "<file>",
  }),
};

/** Where a store is, for commands that can be told otherwise than the config says. */
export const LOCATION_FLAGS = {
  endpoint: oclifFlags.string({
    description: "`https://…`, `http://…` or `file:///…`",
    helpValue: "<url>",
    helpGroup: "STORE",
  }),
  region: oclifFlags.string({
    description: "region that requests are signed for",
    helpValue: "<region>",
    helpGroup: "STORE",
  }),
  bucket: oclifFlags.string({
    description: "bucket, or folder below a `file:///…` endpoint",
    helpValue: "<name>",
    helpGroup: "STORE",
  }),
  prefix: oclifFlags.string({
    description: "prefix of the vault's objects, ends in /",
    helpValue: "<prefix>/",
    helpGroup: "STORE",
  }),
};

/** As whom to go to a store. */
export const CREDENTIAL_FLAGS = {
  "access-key": oclifFlags.string({
    description: "access key id; else VSYNC_ACCESS_KEY",
    helpValue: "<id>",
    helpGroup: "CREDENTIALS",
  }),
  "secret-key": oclifFlags.string({
    description: "secret access key; other users of this machine can see it",
    helpValue: "<secret>",
    helpGroup: "CREDENTIALS",
    exclusive: ["secret-key-file"],
  }),
  "secret-key-file": oclifFlags.string({
    description: "file that holds the secret access key (- is stdin); else VSYNC_SECRET_KEY(_FILE)",
    helpValue: "<file>",
    helpGroup: "CREDENTIALS",
  }),
  "session-token": oclifFlags.string({
    description: "session token of temporary credentials; other users can see it",
    helpValue: "<token>",
    helpGroup: "CREDENTIALS",
    exclusive: ["session-token-file"],
  }),
  "session-token-file": oclifFlags.string({
    description: "file that holds the session token (- is stdin); else VSYNC_SESSION_TOKEN(_FILE)",
    helpValue: "<file>",
    helpGroup: "CREDENTIALS",
  }),
  ambient: oclifFlags.boolean({
    description: "the platform's own credential chain, no keys",
    helpGroup: "CREDENTIALS",
    exclusive: ["access-key", "secret-key", "secret-key-file", "session-token", "session-token-file"],
  }),
};

/** The flags that lead the next command to the same vault: `--env=prod`, and the repo where that was given as a flag. */
export function vaultFlagsOf(env: string, { repo }: { readonly repo?: string | undefined }): string {
  return repo === undefined ? `--env=${env}` : `--env=${env} --repo=${repo}`;
}
