import { constants, existsSync, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { FOLDER_MODE, makeFolder, unlessThere } from "./folders.ts";
import { open } from "./open.ts";
import { belongsToAnother, codeOf, hasModes, modeText } from "./posix.ts";
import { writePrivateFile } from "./private-file.ts";

/**
 * Writes files with names from elsewhere into a folder that the user named. Nobody can redirect the writes: neither
 * with a link planted beforehand, nor by swapping a folder for a link between the check and the write.
 */

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;
/** Windows has none of them. */
const OPEN_FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);
const OPEN_PLAIN_FOLDER = OPEN_FOLDER | (constants.O_NOFOLLOW ?? 0);
const HINT = "move it away, or name another folder with --files-dir=<folder>";

/** Looks at a path without following links; null if nothing is there. */
export async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** For something other than a file at a path that vsync is about to write. */
export function notAFile(path: string, stats: Stats, hint: string): InputError {
  const what = stats.isSymbolicLink() ? "is a symbolic link, which is not followed" : "is not a regular file";
  return new InputError(`${path} ${what}`, { hint });
}

/**
 * Checks the existing folders from `root` down to a name.
 *
 * @throws InputError another user owns a folder or may change it, or something under `root` is a link or not a folder
 */
export async function refuseUnsafeFolders(root: string, name: string): Promise<void> {
  let folder = root;
  for (const segment of ["", ...name.split("/").slice(0, -1)]) {
    folder = join(folder, segment);
    if ((await lookAt(folder)) === null) return;
    await using handle = await openFolder(folder, folder, segment === "" ? OPEN_FOLDER : OPEN_PLAIN_FOLDER);
    await refuseUnsafe(handle, folder);
  }
}

/**
 * Writes a file of mode 0600 under `root`. Makes missing folders with mode 0700.
 *
 * @throws what `refuseUnsafeFolders` throws
 */
export async function writeFileBelow(root: string, name: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(root);
  await using folder = await openFolder(root, root, OPEN_FOLDER);
  await writeIn(folder, root, name.split("/"), bytes);
}

async function writeIn(
  folder: FileHandle,
  shown: string,
  segments: readonly string[],
  bytes: Uint8Array,
): Promise<void> {
  await refuseUnsafe(folder, shown);
  const [segment = "", ...rest] = segments;
  const path = within(folder, shown, segment);
  if (rest.length === 0) return writePrivateFile(path, bytes);
  await mkdir(path, { mode: FOLDER_MODE }).catch(unlessThere);
  const below = join(shown, segment);
  await using next = await openFolder(path, below, OPEN_PLAIN_FOLDER);
  await writeIn(next, below, rest, bytes);
}

/**
 * The path of an entry of an open folder. On Linux it goes through the handle, so it stays right even if somebody
 * renames the folder. Elsewhere it is the plain path, where only this user and root can swap a folder.
 */
function within(folder: FileHandle, shown: string, entry: string): string {
  const handle = `/proc/self/fd/${folder.fd}`;
  return process.platform === "linux" && existsSync(handle) ? `${handle}/${entry}` : join(shown, entry);
}

async function openFolder(path: string, shown: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (!["ELOOP", "ENOTDIR"].includes(codeOf(error))) throw error;
    const stats = await lookAt(path);
    const what = stats?.isSymbolicLink() ? "is a symbolic link, which is not followed" : "is not a folder";
    throw new InputError(`${shown} ${what}`, { hint: HINT });
  }
}

async function refuseUnsafe(folder: FileHandle, shown: string): Promise<void> {
  const stats = await folder.stat();
  if (!stats.isDirectory()) throw new InputError(`${shown} is not a folder`, { hint: HINT });
  const fault = hasModes() ? faultOf(stats) : null;
  if (fault === null) return;
  throw new InputError(`${shown} ${fault}: somebody could redirect what vsync writes there`, {
    hint: "name a folder that only you can write, as in --files-dir=secrets, or chmod go-w it",
  });
}

/** In a folder with the sticky bit, such as /tmp, users cannot swap what belongs to others. */
function faultOf(stats: Stats): string | null {
  if (belongsToAnother(stats)) return `belongs to another user (uid ${stats.uid})`;
  // Some systems make a group for each user; such a group has the user's number, and no other members.
  const others = WRITABLE_BY_ALL | (stats.gid === stats.uid ? 0 : WRITABLE_BY_GROUP);
  if ((stats.mode & others) === 0 || (stats.mode & STICKY) !== 0) return null;
  return `can be changed by other users (mode ${modeText(stats.mode & 0o777)})`;
}
