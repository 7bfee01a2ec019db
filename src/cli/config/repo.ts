import { lstat, readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { belongsToAnother } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import { requireSegment } from "./paths.ts";

/** A thousand times the size of a usual one. */
const MAX_PACKAGE_BYTES = 4 * 1024 * 1024;
const HINT = "name the repository with --repo=<name> or VSYNC_REPO";

export interface RepoSources {
  /** `--repo` */
  readonly flag: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The working directory, absolute. */
  readonly folder: string;
  /** Is told about files that do not count because another user owns them. */
  readonly warn: (text: string) => void;
}

export interface FoundRepo {
  readonly name: string;
  /** Its origin: `--repo`, `VSYNC_REPO`, or the path of a package.json or of the git top level folder. */
  readonly from: string;
}

/**
 * The name under which this machine knows the repository: `--repo`, `VSYNC_REPO`, the name in the nearest package.json
 * (without its scope, within the git working tree), the git top level folder. Files and folders of another user do not
 * count: in a shared folder above, they could lead a command to that user's vault (CVE-2022-24765 of git).
 *
 * @throws InputError none of these names one, or the name cannot be a folder's
 */
export async function repoName(sources: RepoSources): Promise<string> {
  const found = await findRepo(sources);
  if (found === null) throw new InputError("this folder is in no repository", { hint: HINT });
  return found.name;
}

/** As `repoName`, but null if nothing names one. @throws InputError the name cannot be a folder's */
export async function findRepo(sources: RepoSources): Promise<FoundRepo | null> {
  const { flag, variables } = sources;
  const given = flag ?? (variables["VSYNC_REPO"] || undefined);
  const found = given === undefined ? await repoAround(sources) : { name: given, from: flag ? "--repo" : "VSYNC_REPO" };
  if (found !== null) requireSegment("repo", found.name, HINT, isAbsolute(found.from) ? found.from : undefined);
  return found;
}

async function repoAround({ folder, variables, warn }: RepoSources): Promise<FoundRepo | null> {
  const owners = new Owners(variables);
  const topLevel = await gitTopLevel(folder, owners);
  const named = await packageName(folder, topLevel ?? folder, owners);
  for (const [path, uid] of owners.passedOver) {
    warn(`${path} belongs to another user (uid ${uid}) and does not count: ${HINT}`);
  }
  return named ?? (topLevel === null ? null : { name: basename(topLevel), from: topLevel });
}

/** The folder that has `.git`: a folder, or a file in a worktree or submodule. */
async function gitTopLevel(folder: string, owners: Owners): Promise<string | null> {
  for (const candidate of upwards(folder)) {
    if (await owners.trust(join(candidate, ".git"))) return candidate;
  }
  return null;
}

async function packageName(folder: string, topLevel: string, owners: Owners): Promise<FoundRepo | null> {
  for (const candidate of upwards(folder)) {
    const from = join(candidate, "package.json");
    const name = (await owners.trust(from)) ? await nameIn(from) : null;
    if (name !== null) return { name, from };
    if (candidate === topLevel) break;
  }
  return null;
}

/** Decides by their owners which files count. Those of the user and of root do, and under sudo those of the caller. */
class Owners {
  readonly #sudoer: string | undefined;
  /** A path that does not count, and its owner. */
  readonly passedOver = new Map<string, number>();

  constructor(variables: RepoSources["variables"]) {
    this.#sudoer = process.geteuid?.() === 0 ? variables["SUDO_UID"] : undefined;
  }

  /** Whether the path exists and nobody else owns it, its folder, or the target of a link. */
  async trust(path: string): Promise<boolean> {
    const looks = [[dirname(path), stat] as const, [path, lstat] as const, [path, stat] as const];
    if ((await lstat(path).catch(() => null)) === null) return false;
    for (const [place, look] of looks) {
      const stats = await look(place).catch(() => null);
      if (stats === null || !belongsToAnother(stats) || String(stats.uid) === this.#sudoer) continue;
      this.passedOver.set(place, stats.uid);
      return false;
    }
    return true;
  }
}

async function nameIn(path: string): Promise<string | null> {
  const text = await readText(path);
  if (text === null) return null;
  const name = parsePackage(text, path)?.name;
  return typeof name === "string" && name !== "" ? name.replace(/^@[^/]*\//, "") : null;
}

/** Null unless it is a regular file: opening a named pipe would wait for a writer, and ignore signals meanwhile. */
async function readText(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > MAX_PACKAGE_BYTES) return null;
  return readFile(path, "utf8").catch(() => null);
}

function parsePackage(text: string, path: string): { name?: unknown } | null {
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
