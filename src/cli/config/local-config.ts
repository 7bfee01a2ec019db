import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { KdfCost } from "../../crypto/argon2id.ts";
import { withClaim } from "../../directory/claim.ts";
import { reasonOf } from "../../disk/faults.ts";
import { makeFolder } from "../../disk/folders.ts";
import { codeOf, errnoOf } from "../../disk/posix.ts";
import { isReadableByOthers, type TamperingFault, tamperingFault, writePrivateFile } from "../../disk/private-file.ts";
import { systemProcesses } from "../../disk/process-table.ts";
import { ConflictError, InputError, LocalConfigMissingError, S3UnreachableError } from "../../errors.ts";
import type { Floor } from "../../vault/audit/floor.ts";
import { closest } from "../terminal/closest.ts";
import { type LocalConfig, type Root, readDocument, writeDocument } from "./config-document.ts";
import { jsonFault } from "./json-tree.ts";
import { configPath, listEnvs, listRepos } from "./paths.ts";
import { type Target, vaultFlags } from "./target.ts";

export type { LocalConfig } from "./config-document.ts";

const MAX_CONFIG_BYTES = 64 * 1024;

/** A user unknown to passwd(5) and without HOME has its config in `/.config`. */
const CHECK_CONFIG = "check its owner and mode, and that HOME or XDG_CONFIG_HOME is yours";

const NO_PATHS = {
  ELOOP: "its path is a loop of symbolic links",
  ENAMETOOLONG: "its path is too long",
  ENOTDIR: "a part of its path is not a folder",
} as const;

/** Receives warnings: `Output.warn`. */
export type Warn = (text: string) => void;

export const QUIET: Warn = () => undefined;

/**
 * Reads this machine's config for the vault.
 *
 * @throws LocalConfigMissingError the config is missing, unreadable or writable by others, or vsync did not write it
 */
export async function loadConfig(target: Target, warn = QUIET): Promise<LocalConfig> {
  const path = configPath(target);
  const bytes = await readConfig(path, target);
  await checkTrust(path, warn);
  const config = parseConfig(bytes, path);
  if (config.repo !== target.repo || config.env !== target.env)
    throw unusable(path, "is the config of another repo or env", "move it back to its own name");
  return target.isRepoTyped ? { ...config, isRepoTyped: true } : config;
}

/** The folders that a config is bound to. Empty if it cannot be read. */
export async function rootsOf(target: Target): Promise<readonly Root[]> {
  const config = await loadConfig(target).catch(() => null);
  return config?.roots ?? [];
}

/** Like `loadConfig`, but null if the file does not exist. */
export async function findConfig(target: Target, warn = QUIET): Promise<LocalConfig | null> {
  return (await exists(configPath(target))) ? loadConfig(target, warn) : null;
}

/**
 * Replaces the whole file, and returns its path.
 *
 * @throws InputError the file cannot be written
 * @throws ConflictError with `mustBeNew`: another process has created the file in the meantime
 */
export async function saveConfig(config: LocalConfig, options: { readonly mustBeNew?: boolean } = {}): Promise<string> {
  const path = configPath(config);
  try {
    await makeFolder(dirname(path));
    await writePrivateFile(path, writeDocument(config), options);
    return path;
  } catch (error) {
    if (codeOf(error) === "EEXIST" && options.mustBeNew) throw madeMeanwhile(path);
    throw cannotWrite(path, error);
  }
}

/** Deletes the config of a vault, with the credentials in it. */
export async function removeConfig(target: Target): Promise<void> {
  await unlink(configPath(target)).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw cannotWrite(configPath(target), error);
  });
}

const CLAIM_TIMEOUT_MS = 5_000;

/**
 * Changes a config under a lock, starting from what the file says now. Returns its path. Writes nothing if nothing
 * changes.
 *
 * @param change may be called more than once
 * @throws InputError the file cannot be written, or another process has held the lock for 5 s
 * @throws LocalConfigMissingError as `loadConfig`
 */
export async function updateConfig(target: Target, change: (latest: LocalConfig) => LocalConfig): Promise<string> {
  const path = configPath(target);
  const changed = async (): Promise<LocalConfig | null> => {
    const latest = await loadConfig(target);
    const next = change(latest);
    return writeDocument(next) === writeDocument(latest) ? null : next;
  };
  if ((await changed()) === null) return path;
  const request = {
    folder: dirname(path),
    subject: createHash("sha256").update(target.env).digest("hex").slice(0, 16),
    processes: systemProcesses(),
    timeoutMs: CLAIM_TIMEOUT_MS,
    label: path,
    checkWorthWaiting: async () => undefined,
  };
  try {
    return await withClaim(request, async (claim) => {
      const next = await changed();
      await claim.confirm();
      return next === null ? path : saveConfig(next);
    });
  } catch (error) {
    if (error instanceof S3UnreachableError) throw new InputError(error.message, { hint: error.hint ?? "try again" });
    throw errnoOf(error) === undefined ? error : cannotWrite(path, error);
  }
}

function cannotWrite(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${codeOf(error)}`, {
    hint: "check who owns the folder, and the disk",
  });
}

function madeMeanwhile(path: string): ConflictError {
  return new ConflictError(`another vsync init has just written ${path}, so the passphrase is the one given there`, {
    hint: "run vsync status to see what it says; this run has written nothing",
  });
}

/** What a command has learnt about the vault. */
export interface Seen {
  /** The floor of the holder that opened it, and after a rotation also of the new one. */
  readonly floors: ReadonlyMap<string, Floor>;
  /** The passphrase that may write, if it opened the vault itself or this machine's commit set it. */
  readonly writer?: {
    readonly gen: number;
    readonly kdf: KdfCost;
    readonly recipient: Uint8Array;
    /** Set only by a passphrase that writes: the holder of a retired one could name an anchor of their own. */
    readonly anchor?: string | undefined;
  };
}

/** A vault has at most four passphrases at a time. */
const MAX_FLOORS = 8;

/**
 * Remembers the newest generation seen, so older ones are refused from then on. In the meantime another process
 * may have remembered a newer one, or `init` may have switched to another vault. A failure is only a warning, because
 * the command has done its work.
 */
export async function rememberSeen(
  known: Pick<LocalConfig, "repo" | "env" | "vault" | "recipient">,
  seen: Seen,
  warn: Warn,
): Promise<void> {
  try {
    await updateConfig(known, (latest) => (latest.vault === known.vault ? withSeen(latest, seen, known) : latest));
  } catch (error) {
    const gen = Math.max(...[...seen.floors.values()].map((floor) => floor.gen));
    warn(`generation ${gen} is not remembered on this machine: ${(error as Error).message}`);
  }
}

/** The config, with the news added. */
export function withSeen(
  config: LocalConfig,
  { floors, writer }: Seen,
  known: Pick<LocalConfig, "recipient">,
): LocalConfig {
  const newer = [...floors].filter(([opener, { gen }]) => gen >= (config.floors?.get(opener)?.gen ?? 0));
  const kept = [...(config.floors ?? [])].filter(([opener]) => !newer.some(([other]) => other === opener));
  const next = { ...config, floors: new Map([...kept, ...newer].slice(-MAX_FLOORS)) };
  if (writer === undefined) return next;
  const { gen, kdf, recipient, anchor } = writer;
  // Another passphrase starts at its own generation, unless another process has just remembered a newer one.
  const isOther = Buffer.compare(recipient, config.recipient) !== 0;
  const isAsKnown = Buffer.compare(config.recipient, known.recipient) === 0;
  const isNewest = (isOther && isAsKnown) || gen >= config.seenGen;
  return isNewest ? { ...next, seenGen: gen, kdf, recipient, ...(anchor === undefined ? {} : { anchor }) } : next;
}

async function readConfig(path: string, target: Target): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    // Opening a named pipe would wait for a writer.
    if (stats.isFIFO()) throw unusable(path, "is a named pipe", "move it away and run vsync init again");
    if (stats.size > MAX_CONFIG_BYTES) throw unusable(path, `is larger than ${MAX_CONFIG_BYTES} bytes`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof LocalConfigMissingError) throw error;
    const code = codeOf(error);
    if (isNoPath(code))
      throw unusable(path, `cannot be used: ${NO_PATHS[code]} (${code})`, "check HOME and XDG_CONFIG_HOME");
    if (code !== "ENOENT") throw unusable(path, `cannot be read: ${reasonOf(code)}`, CHECK_CONFIG);
    const { repo, env } = target;
    throw new LocalConfigMissingError(`this machine has no config for env ${env} of ${repo}: ${path} does not exist`, {
      hint: await hintToConfigure(target),
    });
  }
}

function isNoPath(code: string): code is keyof typeof NO_PATHS {
  return code in NO_PATHS;
}

async function hintToConfigure(target: Target): Promise<string> {
  const repo = (await listRepos()).find((it) => it !== target.repo && it.toLowerCase() === target.repo.toLowerCase());
  if (repo !== undefined) return `did you mean the repository ${repo}? Names are case-sensitive`;
  const envs = await listEnvs(target.repo);
  const meant = closest(target.env, envs) ?? envs.find((env) => target.env.startsWith(env));
  const init = `run vsync init ${vaultFlags(target)}`;
  if (meant !== undefined) return `did you mean ${meant}? Else ${init}`;
  const known = envs.length === 0 ? init : `envs here: ${envs.join(", ")}; for a new one, ${init}`;
  return process.env["SUDO_USER"] === undefined
    ? known
    : `with sudo, vsync reads the config of another user: leave it out, or put it after the -- of vsync run; else ${init}`;
}

async function checkTrust(path: string, warn: Warn): Promise<void> {
  for (const [checked, mode] of [
    [path, "600"],
    [dirname(path), "700"],
    [dirname(dirname(path)), "700"],
  ] as const) {
    const fault = await tamperingFault(checked).catch((error: unknown) => {
      throw unusable(checked, `cannot be read: ${reasonOf(codeOf(error))}`, CHECK_CONFIG);
    });
    if (fault !== null)
      throw unusable(checked, fault.what, `check its content, then ${remedyFor(fault, mode, checked)}`);
  }
  if (await isReadableByOthers(path)) warn(`${path} can be read by other users: chmod 600 it`);
}

function remedyFor({ uid }: TamperingFault, mode: string, path: string): string {
  return uid === null
    ? `chmod ${mode} ${path}`
    : `chown it to yourself (sudo chown "$(id -u)" ${path}), or move it away`;
}

function parseConfig(bytes: Uint8Array, path: string): LocalConfig {
  if (!isUtf8(bytes)) throw unusable(path, "is not UTF-8 text");
  if (bytes.length === 0) throw unusable(path, "is empty");
  const read = readDocument(parseJson(new TextDecoder().decode(bytes), path));
  if ("fault" in read) throw unusable(path, `is not a vsync config: see ${read.fault}`);
  return read.config;
}

/** Looks for the fault only if there is one, because every command starts here. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const fault = jsonFault(text);
    throw unusable(path, `is not JSON: line ${fault?.line}, column ${fault?.column}`);
  }
}

function unusable(path: string, fault: string, hint?: string): LocalConfigMissingError {
  return new LocalConfigMissingError(`${path} ${fault}`, {
    hint: hint ?? "correct it, or move it away and run vsync init again",
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error) => codeOf(error) !== "ENOENT",
  );
}
