import { constants } from "node:fs";
import { link, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "./folders.ts";
import { open } from "./open.ts";
import { belongsToAnother, codeOf, hasModes, modeText } from "./posix.ts";
import { temporaryFor } from "./temporary.ts";

const FILE_MODE = 0o600;

/**
 * Flags to read a file that only vsync writes. O_NOFOLLOW, because a link could point anywhere. O_NONBLOCK, because
 * opening a named pipe would wait for its other end. Windows has neither.
 */
export const READ_PLAIN_FILE = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Creates a file of mode 0600 and flushes it to the disk. If that fails half-way, no part of the file stays. The
 * folder's entry is not flushed.
 *
 * @throws Error with `EEXIST` if the name is taken
 */
export async function createPrivateFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const handle = await open(path, "wx", FILE_MODE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Creates or replaces a file of mode 0600, and flushes content and name to the disk. Readers see the old bytes or the
 * new ones, even after a crash.
 *
 * @throws Error with `EEXIST` if the file must be new and exists
 */
export async function writePrivateFile(
  path: string,
  bytes: Uint8Array | string,
  { mustBeNew = false } = {},
): Promise<void> {
  const temporary = await temporaryFor(path);
  try {
    await createPrivateFile(temporary, bytes);
    await (mustBeNew ? appear(temporary, path) : rename(temporary, path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  // The file is in place, so a folder that cannot be flushed does not fail the write.
  await syncFolder(dirname(path)).catch(() => undefined);
}

/**
 * Overwrites a file that cannot be replaced, such as a bind mount. A crash can leave it incomplete.
 *
 * @throws Error with `ENOENT` if the file does not exist
 */
export async function overwritePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  // Comes before the bytes, because the file may be open to others.
  await handle.chmod(FILE_MODE).catch(() => undefined);
  await handle.truncate();
  await handle.writeFile(bytes);
  await handle.sync();
}

/** On a file system without hard links (FAT), this replaces a file that somebody else makes at this very moment. */
async function appear(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error))) return rename(temporary, path);
    throw error;
  }
  await unlink(temporary);
}

export interface TamperingFault {
  /** Such as `can be changed by other users (mode 0664)`. */
  readonly what: string;
  /** The other user who owns it; null if the mode is at fault. */
  readonly uid: number | null;
}

/** Why other users may have changed the file or folder at this path, or null. */
export async function tamperingFault(path: string): Promise<TamperingFault | null> {
  if (!hasModes()) return null;
  const stats = await stat(path);
  if (belongsToAnother(stats)) return { what: `belongs to another user (uid ${stats.uid})`, uid: stats.uid };
  if ((stats.mode & 0o022) === 0) return null;
  return { what: `can be changed by other users (mode ${modeText(stats.mode & 0o777)})`, uid: null };
}

/** Whether others may read a file that holds a credential. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  return hasModes() && ((await stat(path)).mode & 0o044) !== 0;
}
