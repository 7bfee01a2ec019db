import { realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import type { Root } from "../config/config-document.ts";
import { homeFolder } from "../config/paths.ts";
import { readSmall, readWorkTree, type WorkTree } from "./git.ts";
import { Owners, type Variables } from "./owners.ts";
import { type FoundFile, folderOf, projectFileIn, readProjectFile } from "./project-file.ts";

/** A thousand times the usual size. */
const MAX_PACKAGE_BYTES = 4 * 1024 * 1024;
export const REPO_HINT = "name the repository with --repo=<name> or VSYNC_REPO";

/** The project that the working folder belongs to. */
export interface Project {
  /** The nearest project file. */
  readonly file: FoundFile | null;
  /** The nearest package.json with a name, within the project. */
  readonly packaged: { readonly name: string; readonly from: string } | null;
  readonly tree: WorkTree | null;
  /** What a config can be bound to, nearest folder first. With a project file, only its folder. */
  readonly roots: readonly Root[];
  /** The root that `init` binds a config to. */
  readonly root: Root;
  /** Whether anything marks the folder as a project's. */
  readonly isMarked: boolean;
}

export interface Surroundings {
  readonly variables: Variables;
  /** The working folder, absolute. */
  readonly folder: string;
  /** Receives messages about files that are ignored because another user could have written them. */
  readonly warn: (text: string) => void;
}

/**
 * Searches this folder and those above: up to the first one with `.git`, else up to the home folder (not included) or
 * the end of the file system. The nearest project file wins. `VSYNC_PROJECT` names one anywhere, no matter who owns it.
 *
 * @throws InputError a project file or package.json is malformed
 */
export async function findProject({ variables, folder, warn }: Surroundings): Promise<Project> {
  const owners = new Owners(variables);
  // Keeps going with a folder name that is not UTF-8, although `realpath` cannot resolve it.
  const start = await realpath(folder).catch(() => folder);
  const named = variables["VSYNC_PROJECT"] ? await readProjectFile(resolve(folder, variables["VSYNC_PROJECT"])) : null;
  const found = await lookUpwards(named === null ? start : await realpath(folderOf(named)), owners, named === null);
  // With VSYNC_PROJECT, the user has decided which file counts.
  for (const [path, why] of named === null ? owners.passedOver : []) {
    warn(`${path} ${why} and is ignored: name it with VSYNC_PROJECT=<path>, or ${REPO_HINT}`);
  }
  const file = named ?? found.file;
  const { tree, packaged, folders } = found;
  const own = file === null ? (packaged === null ? tree?.top : dirname(packaged.from)) : await realpath(folderOf(file));
  const isBelow = (it: string): boolean => file === null || it === own;
  const roots = folders.filter(isBelow).map((it) => rootAt(it, tree));
  return { file, packaged, tree, roots, root: rootAt(own ?? start, tree), isMarked: own !== undefined };
}

interface Found {
  file: FoundFile | null;
  packaged: Project["packaged"];
  tree: WorkTree | null;
  folders: string[];
}

async function lookUpwards(start: string, owners: Owners, wantsFile: boolean): Promise<Found> {
  const found: Found = { file: null, packaged: null, tree: null, folders: [] };
  for await (const at of upwards(start)) {
    found.folders.push(at);
    const path = projectFileIn(at);
    if (wantsFile && found.file === null && (await owners.trust(path))) found.file = await readProjectFile(path);
    const manifest = join(at, "package.json");
    if (found.packaged === null && (await owners.trust(manifest))) found.packaged = await packageAt(manifest);
    if (!(await owners.trust(join(at, ".git")))) continue;
    found.tree = await readWorkTree(at);
    break;
  }
  // Outside git, a package.json in a folder above belongs to some other project.
  const isOwn = found.tree !== null || found.packaged === null || dirname(found.packaged.from) === start;
  return isOwn ? found : { ...found, packaged: null };
}

/** The folder and those above it, in the same file system and below the home folder. */
async function* upwards(start: string): AsyncGenerator<string> {
  const home = await realpath(homeFolder()).catch(() => null);
  const deviceOf = (path: string): Promise<number | null> =>
    stat(path).then(
      ({ dev }) => dev,
      () => null,
    );
  const device = await deviceOf(start);
  for (let at = start; at !== home && (await deviceOf(at)) === device; at = dirname(at)) {
    yield at;
    if (dirname(at) === at) return;
  }
}

function rootAt(folder: string, tree: WorkTree | null): Root {
  if (tree === null) return { folder };
  const git = tree.common === null ? {} : { git: tree.common, within: relative(tree.top, folder) };
  return { folder, ...git, ...(tree.remote === null ? {} : { remote: tree.remote }) };
}

async function packageAt(path: string): Promise<Project["packaged"]> {
  const text = await readSmall(path, MAX_PACKAGE_BYTES);
  const name = text === null ? undefined : parsePackage(text, path)?.name;
  return typeof name === "string" && name !== "" ? { name: name.replace(/^@/, ""), from: path } : null;
}

function parsePackage(text: string, path: string): { name?: unknown } | null {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    throw new InputError(`cannot take the repository's name from ${path}: it is not JSON`, { hint: REPO_HINT });
  }
}
