import { lstat, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { checkSegment } from "./path-segment.ts";

const HINT = "name the repository with --repo=<name> or VSYNC_REPO";

export interface RepoSources {
  /** `--repo` */
  readonly flag: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory, absolute. */
  readonly folder: string;
}

/**
 * The name under which this machine knows the repository: `--repo`, `VSYNC_REPO`, the name in the nearest package.json
 * (without its scope, within the git working tree), the git top level folder.
 *
 * @throws InputError there is none of these, or it cannot be a folder's name
 */
export async function repoName({ flag, env, folder }: RepoSources): Promise<string> {
  const given = flag ?? (env["VSYNC_REPO"] || undefined);
  if (given !== undefined) return checkSegment("repo", given, HINT);
  const topLevel = await gitTopLevel(folder);
  const found = (await packageName(folder, topLevel ?? folder)) ?? (topLevel === null ? null : basename(topLevel));
  if (found === null) throw new InputError("this folder is in no repository", { hint: HINT });
  return checkSegment("repo", found, HINT);
}

/** The folder that has `.git`: a folder, or a file in a worktree or submodule. */
async function gitTopLevel(folder: string): Promise<string | null> {
  for (const candidate of upwards(folder)) {
    if (await exists(join(candidate, ".git"))) return candidate;
  }
  return null;
}

async function packageName(folder: string, topLevel: string): Promise<string | null> {
  for (const candidate of upwards(folder)) {
    const name = await nameIn(join(candidate, "package.json"));
    if (name !== null) return name;
    if (candidate === topLevel) break;
  }
  return null;
}

async function nameIn(path: string): Promise<string | null> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  const name = parse(text, path)?.name;
  return typeof name === "string" && name !== "" ? name.replace(/^@[^/]*\//, "") : null;
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
