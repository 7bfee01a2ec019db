import type { Stats } from "node:fs";
import { chmod, chown, lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, hasErrno, hasModes } from "../disk/posix.ts";

/*
 * vsync makes files and folders for one user alone. Somebody who opens a store to a group, with chmod or with a folder that
 * has setgid, keeps that: a new object has the group and the group's rights of the object that it replaces, or else of its
 * folder. Other users get no rights from vsync.
 */

const GROUP_OF_FILE = 0o060;
const GROUP_OF_FOLDER = 0o070;
const SETGID = 0o2000;

/** Gives the file that is to become the object at `path` the group access of what is there now, or of its folder. */
export async function shareFile(file: string, path: string): Promise<void> {
  if (!hasModes()) return;
  await share(file, (await statOf(path)) ?? (await stat(dirname(path))), GROUP_OF_FILE);
}

/** Gives a new folder the group access of the one above. */
export async function shareFolder(folder: string): Promise<void> {
  if (hasModes()) await share(folder, await stat(dirname(folder)), GROUP_OF_FOLDER);
}

/** The same for the folder of a bucket, but only below one that is there to be shared: setgid says so. */
export async function shareRoot(root: string): Promise<void> {
  if (!hasModes()) return;
  const above = await stat(dirname(root));
  if ((above.mode & SETGID) !== 0) await share(root, above, GROUP_OF_FOLDER);
}

async function share(path: string, { mode, gid }: Stats, rights: number): Promise<void> {
  if ((mode & rights) === 0) return;
  const own = await stat(path);
  try {
    // Never the rights without the group: they would go to the group that this process happens to have.
    if (own.gid !== gid) await chown(path, own.uid, gid);
    await chmod(path, (own.mode & 0o7700) | (mode & rights));
  } catch (error) {
    // A user who is not in the group, or a file system without modes: the object stays private, and the commit stands.
    if (errnoOf(error) === undefined) throw error;
  }
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw error;
  }
}
