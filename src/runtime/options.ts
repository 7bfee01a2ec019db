import { InputError } from "../errors.ts";

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The methods that `pino` and `console` share. vsync passes names, paths and numbers only. */
export interface Logger {
  /** `fields` contains a stable `code` (`VSYNC_FILE_EXPOSED`, `VSYNC_STALE_VAULT`, …) and a `hint`, the next step. */
  warn(fields: object, message: string): void;
  /** Called when a vault was opened, with its `gen` and `env`. */
  debug?(fields: object, message: string): void;
}

interface BaseOptions {
  /** The runtime token itself. Takes precedence over `VSYNC_CONFIG` and `VSYNC_CONFIG_FILE`. */
  readonly config?: string;
  /**
   * A scoped token's credential, `vsrt_…`, if it is kept apart from `config`. Takes precedence over `VSYNC_TOKEN`,
   * `VSYNC_TOKEN_FILE` and one in `config`.
   */
  readonly token?: string;
  /** The passphrase itself, verbatim. Takes precedence over `VSYNC_PASSPHRASE` and `VSYNC_PASSPHRASE_FILE`. */
  readonly passphrase?: string;
  /** Replaces `process.env`, now and in every later look-up. */
  readonly env?: Environment;
  /** What `get` falls back on for names that are neither in the vault nor in the environment. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Aborting makes `open` reject at once with the signal's reason. It does not affect an open handle. */
  readonly signal?: AbortSignal;
  /** Time limit for all of `open`, in milliseconds, 1…2147483647. Default 30 000. */
  readonly timeoutMs?: number;
  /** Receives warnings. Default: `process.emitWarning`. */
  readonly logger?: Logger;
}

interface WithoutCache {
  readonly cache?: never;
  readonly maxAge?: never;
}

/**
 * For hosts that must boot while the store is down. If `open` cannot reach the store within half of `timeoutMs`, it
 * opens the sealed copy, with the same checks; `ageMs` and a warning tell you. A store that refuses access counts as
 * reached.
 */
interface WithCache {
  /**
   * A file, mode 0600, that keeps the last opened vault, encrypted as it came from the store. Its folder must exist.
   */
  readonly cache: string;
  /** How old the cached vault may be, in milliseconds. */
  readonly maxAge: number;
}

export type OpenOptions = BaseOptions & (WithoutCache | WithCache);

export function variablesOf({ env = process.env }: Pick<OpenOptions, "env">): Environment {
  return env;
}

/** Looks only at own properties: a variable must not come from the prototype. */
export function variableOf(variables: Environment, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The longest timer that Node.js allows. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export function timeoutOf({ timeoutMs }: OpenOptions): number {
  return timeoutMs ?? DEFAULT_TIMEOUT_MS;
}

/**
 * Catches mistakes that a caller without types would notice late or never. Quotes no value.
 *
 * @throws InputError naming the option
 */
export function checkOptions(options: OpenOptions): void {
  for (const name of ["config", "token", "passphrase", "cache"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "string") throw refused(name, "must be a string");
  }
  const timeoutMs = timeoutOf(options);
  const { cache, maxAge } = options;
  if (!Number.isFinite(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    throw refused("timeoutMs", `must be 1…${MAX_TIMEOUT_MS} milliseconds`);
  }
  if (cache !== undefined && maxAge === undefined) throw refused("cache", "needs maxAge too");
  if (cache === undefined && maxAge !== undefined) throw refused("maxAge", "needs cache too");
  if (maxAge !== undefined && !(typeof maxAge === "number" && maxAge > 0)) {
    throw refused("maxAge", "must be a positive number of milliseconds");
  }
  if (Object.values(options.defaults ?? {}).some((value) => typeof value !== "string")) {
    throw refused("defaults", "must hold strings only");
  }
  if (options.logger !== undefined && typeof options.logger.warn !== "function") {
    throw refused("logger", "must have a method warn(fields, message)");
  }
}

function refused(option: string, fault: string): InputError {
  return new InputError(`the option ${option} of Vsync.open ${fault}`, {
    hint: "see the options of Vsync.open in docs/library.md",
  });
}

/** A problem that the operator should look at, but that does not stop the app. */
export interface Warning {
  /** Stable, for filters. */
  readonly code:
    | "VSYNC_FILE_EXPOSED"
    | "VSYNC_STALE_VAULT"
    | "VSYNC_CACHE_UNWRITABLE"
    | "VSYNC_NAME_SKIPPED"
    | "VSYNC_TOKEN_EXPIRES"
    | "VSYNC_MOVED";
  readonly message: string;
  readonly hint: string;
  /** Never contains a value. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export type Warn = (warning: Warning) => void;

/** Warns through the app's logger, or else through `process.emitWarning`. */
export function warnThrough({ logger }: Pick<OpenOptions, "logger">): Warn {
  return ({ code, message, hint, fields }) => {
    if (logger === undefined) process.emitWarning(message, { type: "VsyncWarning", code, detail: hint });
    else logger.warn({ code, hint, ...fields }, `vsync: ${message}`);
  };
}
