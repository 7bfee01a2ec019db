import { lstat, readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { InputError } from "../../errors.ts";
import { checkSegment } from "./paths.ts";

/** Which vault a command is about, as far as this machine's names go. */
export interface Target {
  readonly repo: string;
  readonly env: string;
}

/** What a command with `VAULT_FLAGS`, and perhaps `ENV_ARG`, was given. */
export interface TargetInput {
  readonly flags: { readonly env?: string | undefined; readonly repo?: string | undefined };
  readonly args?: { readonly env?: string | undefined };
}

/** @throws InputError no env, two of them, or no repository */
export async function resolveTarget(input: TargetInput): Promise<Target> {
  const env = givenEnv(input);
  if (env === undefined) throw new InputError("missing --env", { hint: "name the environment with --env=<env>" });
  return { repo: await resolveRepo(input), env: checkSegment("env", env, "name the environment with --env=<env>") };
}

/** The env that was given, in either way, or undefined. */
export function givenEnv({ flags, args }: TargetInput): string | undefined {
  if (flags.env !== undefined && args?.env !== undefined && flags.env !== args.env) {
    throw new InputError("--env and the argument name two environments", { hint: "give one of them" });
  }
  return flags.env ?? args?.env;
}

export function resolveRepo({ flags }: TargetInput): Promise<string> {
  return repoName({ flag: flags.repo, env: process.env, folder: workingFolder() });
}

export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new InputError("the current folder has been removed", { hint: "cd to another one" });
  }
}

/** A thousand times what such a file has. */
const MAX_PACKAGE_BYTES = 4 * 1024 * 1024;
const HINT = "name the repository with --repo=<name> or VSYNC_REPO";

export interface RepoSources {
  /** `--repo` */
  readonly flag: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory, absolute. */
  readonly folder: string;
}

export interface FoundRepo {
  readonly name: string;
  /** What says so: `--repo`, `VSYNC_REPO`, or the path of a package.json or of the git top level folder. */
  readonly from: string;
}

/**
 * The name under which this machine knows the repository: `--repo`, `VSYNC_REPO`, the name in the nearest package.json
 * (without its scope, within the git working tree), the git top level folder.
 *
 * @throws InputError there is none of these, or it cannot be a folder's name
 */
export async function repoName(sources: RepoSources): Promise<string> {
  const found = await findRepo(sources);
  if (found === null) throw new InputError("this folder is in no repository", { hint: HINT });
  return found.name;
}

/** As `repoName`, with null where there is none. @throws InputError it cannot be a folder's name */
export async function findRepo({ flag, env, folder }: RepoSources): Promise<FoundRepo | null> {
  const given = flag ?? (env["VSYNC_REPO"] || undefined);
  const found = given === undefined ? await repoAround(folder) : { name: given, from: flag ? "--repo" : "VSYNC_REPO" };
  if (found !== null) checkSegment("repo", found.name, HINT, isAbsolute(found.from) ? found.from : undefined);
  return found;
}

async function repoAround(folder: string): Promise<FoundRepo | null> {
  const topLevel = await gitTopLevel(folder);
  const named = await packageName(folder, topLevel ?? folder);
  return named ?? (topLevel === null ? null : { name: basename(topLevel), from: topLevel });
}

/** The folder that has `.git`: a folder, or a file in a worktree or submodule. */
async function gitTopLevel(folder: string): Promise<string | null> {
  for (const candidate of upwards(folder)) {
    if (await exists(join(candidate, ".git"))) return candidate;
  }
  return null;
}

async function packageName(folder: string, topLevel: string): Promise<FoundRepo | null> {
  for (const candidate of upwards(folder)) {
    const from = join(candidate, "package.json");
    const name = await nameIn(from);
    if (name !== null) return { name, from };
    if (candidate === topLevel) break;
  }
  return null;
}

async function nameIn(path: string): Promise<string | null> {
  const text = await readText(path);
  if (text === null) return null;
  const name = parse(text, path)?.name;
  return typeof name === "string" && name !== "" ? name.replace(/^@[^/]*\//, "") : null;
}

/** Null for what is no file: to open a named pipe would wait for its other end, signals or not. */
async function readText(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > MAX_PACKAGE_BYTES) return null;
  return readFile(path, "utf8").catch(() => null);
}

function parse(text: string, path: string): { name?: unknown } | null {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    throw new InputError(`cannot take the repository's name from ${path}: it is not JSON`, { hint: HINT });
  }
}

function* upwards(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    if (dirname(at) === at) return;
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
