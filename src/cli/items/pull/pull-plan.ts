import { constants, existsSync, type Stats } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { lookAt, notAFile, refuseUnsafeFolders } from "../../../disk/files-below.ts";
import { open } from "../../../disk/open.ts";
import { InputError } from "../../../errors.ts";
import { MAX_BUNDLE_BYTES } from "../../../vault/format/limits.ts";
import type { NamedData } from "../../../vault/items/changes.ts";
import { readOrNull, type WrittenDotenv, writeDotenv } from "../dotenv/dotenv-writer.ts";
import { withHeader } from "../file-base.ts";

export interface PullTarget {
  readonly env: string;
  /** The path of the dotenv file. */
  readonly to: string;
  /** The folder for the vault's files. */
  readonly filesDir: string;
  /** The dotenv file's first line: see `file-base.ts`. Null if the file gets only a part of the vault. */
  readonly header: string | null;
  /** Whether names that only the dotenv file has stay. */
  readonly keepsOwn: boolean;
}

/** One file that the pull writes, or leaves as it is. */
export interface PlannedFile {
  /** The path as the user knows it, relative to the working directory. */
  readonly path: string;
  /** Where the bytes go. It differs from `path` if that is a link that vsync follows. */
  readonly target: string;
  /**
   * The folder that the user named, if the rest of the path (`name`) comes from the vault; null if the user named the
   * whole path.
   */
  readonly root: string | null;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The current content; null if the file does not exist or is larger than any vault. */
  readonly local: Uint8Array | null;
  /** How the existing file compares. A `same` file may have other comments and quotes, and stays. */
  readonly state: "absent" | "same" | "different";
  /** For a dotenv file: the names whose values differ. */
  readonly differs: readonly string[];
  /** Whether other users have access to the existing file. */
  readonly isExposed: boolean;
  /** Details of the dotenv file; null for any other. */
  readonly dotenv: WrittenDotenv | null;
}

/**
 * Compares what a pull would write with the existing files. The dotenv file comes first. Writes nothing.
 *
 * @throws InputError a value or name cannot be written, or something other than a file is in the way
 */
export async function planPull(items: readonly NamedData[], pull: PullTarget): Promise<PlannedFile[]> {
  const { to, filesDir, header, keepsOwn } = pull;
  const secrets = items.filter((item) => item.kind === "secret");
  const target = await followed(to);
  const stats = await fileAt(to, target);
  const dotenv = writeDotenv(secrets, stats === null ? null : await readLocal(target, stats), keepsOwn);
  dotenv.left.forEach(requireFileName);
  const held = secrets.filter((secret) => !dotenv.left.includes(secret));
  const own = { path: to, target, root: null, name: to, bytes: withHeader(dotenv.bytes, header), dotenv };
  const beside = dotenv.left.map(({ name, data }) => wantedAt(oddFile(to, name), null, name, data.expose()));
  const files = items.filter((item) => item.kind === "file");
  const below = files.map(({ name, data }) => wantedAt(join(filesDir, name), filesDir, name, data.expose()));
  below.forEach(({ name }) => refuseName(name));
  refuseCollisions([own, ...beside, ...below]);
  const planned = [await plan(own, (local) => differencesOf(local, held))];
  for (const file of [...beside, ...below])
    planned.push(await plan(file, (local) => (Buffer.compare(local, file.bytes) === 0 ? [] : [""])));
  return planned;
}

function wantedAt(path: string, root: string | null, name: string, bytes: Uint8Array): Wanted {
  return { path, target: path, root, name, bytes, dotenv: null };
}

/** The file next to the dotenv file, for a value that dotenv cannot represent. */
export const oddFile = (to: string, name: string): string => `${to}.${name}`;

function requireFileName({ name }: NamedData): void {
  if (/^[\w-][\w.-]*$/.test(name)) return;
  throw new InputError(`${JSON.stringify(name)} cannot be written into a dotenv file, nor be the name of a file`, {
    hint: "vsync get prints it, with --raw or --json; nothing was written",
  });
}

/**
 * The target of a link, if it is inside the same project, which may share one file. Any other link is not followed,
 * because a repository could have planted it.
 */
async function followed(path: string): Promise<string> {
  if ((await lookAt(path))?.isSymbolicLink() !== true) return path;
  const target = await realpath(path).catch(() => null);
  if (target === null) return path;
  const inProject = relative(await realpath(projectOf(dirname(resolve(path)))), target);
  const isOutside = isAbsolute(inProject) || inProject.startsWith("..");
  return isOutside || pullNameFault(inProject.split(sep).join("/"), process.platform) !== null ? path : target;
}

/** The nearest folder above with `.git`, else the folder itself. */
function projectOf(folder: string): string {
  for (let above = folder; ; above = dirname(above)) {
    if (existsSync(join(above, ".git"))) return above;
    if (above === dirname(above)) return folder;
  }
}

type Wanted = Pick<PlannedFile, "path" | "target" | "root" | "name" | "bytes" | "dotenv">;

function refuseName(name: string): void {
  const fault = pullNameFault(name, process.platform);
  if (fault !== null)
    throw new InputError(`${JSON.stringify(name)} ${fault}`, { hint: "get its bytes with `vsync get --raw`" });
}

/** Refuses two items with the same path, and a file whose path another item needs as a folder. */
function refuseCollisions(wanted: readonly Wanted[]): void {
  const paths = new Map<string, string>();
  const keyOf = (path: string): string => pathKey(resolve(path), process.platform);
  for (const { path } of wanted) {
    if (paths.has(keyOf(path))) throw collision(`two of the vault's items would be written to ${path}`);
    paths.set(keyOf(path), path);
  }
  for (const { path } of wanted) {
    for (let above = dirname(keyOf(path)); above !== dirname(above); above = dirname(above)) {
      const file = paths.get(above);
      if (file !== undefined) throw collision(`${file} would be a file and the folder of ${path}`);
    }
  }
}

function collision(fault: string): InputError {
  return new InputError(fault, {
    hint: "give files a folder of their own with --files-dir=<folder>, or get one with `vsync get --raw`",
  });
}

async function plan(wanted: Wanted, compare: (local: Uint8Array) => readonly string[]): Promise<PlannedFile> {
  if (wanted.root !== null) await refuseUnsafeFolders(wanted.root, wanted.name);
  const stats = await fileAt(wanted.path, wanted.target);
  if (stats === null) return { ...wanted, local: null, state: "absent", differs: [], isExposed: false };
  const isExposed = process.platform !== "win32" && (stats.mode & 0o077) !== 0;
  const local = await readLocal(wanted.target, stats);
  const differs = local === null ? [""] : compare(local);
  if (local === null || differs.length > 0) return { ...wanted, local, state: "different", differs, isExposed };
  return { ...wanted, local, bytes: local, state: "same", differs, isExposed };
}

/**
 * @throws InputError something other than a file is there
 */
async function fileAt(path: string, target: string): Promise<Stats | null> {
  const stats = await lookAt(target);
  if (stats !== null && !stats.isFile()) throw notAFile(path, stats, ELSEWHERE);
  return stats;
}

const ELSEWHERE = "move it away, or name another place with --to=<file> or --files-dir=<folder>";

/** Null if the file is larger than any vault. */
async function readLocal(path: string, { size }: Stats): Promise<Uint8Array | null> {
  if (size > MAX_BUNDLE_BYTES) return null;
  // Windows does not have O_NOFOLLOW.
  await using handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  return await handle.readFile();
}

/** The names that differ, sorted. A single empty name if the file is not a dotenv file. */
function differencesOf(local: Uint8Array, secrets: readonly NamedData[]): readonly string[] {
  const file = readOrNull(local, { anyName: true });
  if (file === null) return [""];
  const here = new Map(file.entries.map(({ name, value }) => [name, value]));
  const there = new Map(secrets.map(({ name, data }) => [name, data]));
  const names = new Set([...here.keys(), ...there.keys()]);
  const isSame = (name: string): boolean => {
    const [a, b] = [here.get(name), there.get(name)];
    return a !== undefined && b !== undefined && Buffer.compare(a.expose(), b.expose()) === 0;
  };
  return [...names].filter((name) => !isSame(name)).toSorted();
}

/** File systems have several names for one file, so a harmless-looking name can reach a dangerous file. */

/** Characters that HFS+ ignores when it compares names. */
const IGNORED = /[\u200b-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows allows none of them
const NOT_ON_WINDOWS = /[<>:"|?*\u0000-\u001f]|[. ]$/;

/** Equal for paths of the same file: macOS and Windows ignore case, and macOS also the Unicode form of accents. */
export function pathKey(path: string, platform: string): string {
  return platform === "darwin" || platform === "win32" ? path.normalize("NFC").toLowerCase() : path;
}

/** Why `pull` does not write a file of this name on this platform, as the end of a message, or null. */
export function pullNameFault(name: string, platform: string): string | null {
  const segments = name.split("/");
  if (segments.some(isGit)) return "would be written into git's own folder";
  if (platform !== "win32") return null;
  if (segments.some((segment) => DEVICE.test(segment))) return "is the name of a device on Windows";
  return segments.some((segment) => NOT_ON_WINDOWS.test(segment)) ? "is not a valid file name on Windows" : null;
}

/**
 * `.git/config` names programs that git runs. NTFS also knows the folder as `git~1`, `.git.` and
 * `.git::$INDEX_ALLOCATION`.
 */
function isGit(segment: string): boolean {
  const plain = segment.replaceAll(IGNORED, "").toLowerCase();
  return /^(?:\.git|git~1)[. ]*(?::|$)/.test(plain);
}
