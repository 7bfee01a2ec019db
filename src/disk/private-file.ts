import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, modeText } from "./posix.ts";

/**
 * Writes a file that only this user can read, at once: a reader sees the old bytes or the new ones, also after a crash.
 * Folders that are missing are made 0700; one that exists is left as it is.
 *
 * @throws Error with `EEXIST`, where it must be new and is not
 */
export async function writePrivateFile(
  path: string,
  bytes: string | Uint8Array,
  { mustBeNew = false } = {},
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeNewFile(temporary, bytes);
    await (mustBeNew ? appear(temporary, path) : rename(temporary, path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** A file system without hard links (FAT) replaces what somebody else has made in this moment. */
async function appear(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error))) return rename(temporary, path);
    throw error;
  }
  await unlink(temporary);
}

/** As `writePrivateFile`, of a file that must not be there yet, in a folder that is. @throws Error with `EEXIST`, where it is */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeNewFile(path, bytes);
  await syncFolder(dirname(path));
}

/**
 * Below a folder that makes none (`/proc`), `mkdir` says that the parent is missing, whatever is tried; Node's own
 * recursive form tries for ever.
 */
async function makeFolder(folder: string): Promise<void> {
  const make = (): Promise<void> => mkdir(folder, { mode: 0o700 }).catch(unlessThere);
  try {
    await make();
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await make();
  }
}

function unlessThere(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

/** Makes a new name in the folder outlast a power cut, as its content does, where the platform can flush a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

export interface TamperingFault {
  /** `can be changed by other users (mode 0664)` */
  readonly what: string;
  /** Whom it belongs to, where that is another user; null where its mode is what is wrong. */
  readonly uid: number | null;
}

/** Why what is at this path cannot be relied upon, or null. */
export async function tamperingFault(path: string): Promise<TamperingFault | null> {
  if (process.platform === "win32") return null;
  const { mode, uid } = await stat(path);
  // Root may change any file anyway.
  if (uid !== 0 && uid !== process.geteuid?.()) return { what: `belongs to another user (uid ${uid})`, uid };
  if ((mode & 0o022) === 0) return null;
  return { what: `can be changed by other users (mode ${modeText(mode & 0o777)})`, uid: null };
}

/** Whether others may read a file that holds a credential. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  return process.platform !== "win32" && ((await stat(path)).mode & 0o044) !== 0;
}

const FILE_MODE = 0o600;

/**
 * Flags for reading a file that only vsync writes. O_NOFOLLOW: a link could point anywhere. O_NONBLOCK: opening a named
 * pipe would wait for its other end. Windows has neither.
 */
export const READ_PLAIN_FILE = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Writes a file of mode 0600 that must not exist, to the disk and not only to memory; a part of it does not stay. */
export async function writeNewFile(path: string, bytes: Uint8Array | string): Promise<void> {
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

/** Writes a file of mode 0600 over what may be there. Whoever reads the path finds the old bytes or the new ones. */
export async function replaceFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await writeNewFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
