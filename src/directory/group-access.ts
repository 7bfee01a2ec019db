import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { chmod, chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isMainThread } from "node:worker_threads";
import { FOLDER_MODE } from "../disk/folders.ts";
import { open } from "../disk/open.ts";
import { errnoOf, hasModes } from "../disk/posix.ts";
import { statOf } from "./object-file.ts";
import { PROBE_SUFFIX } from "./work-folder.ts";

/**
 * By default, vsync makes files and folders for one user only. If somebody opens a store to a group, with chmod, setgid
 * or a default ACL, vsync keeps that: a new object gets the group and the group's rights of the object that it
 * replaces, or else of its folder, under any umask. vsync never gives rights to other users. Objects that root writes
 * belong to the store's owner. Decision 0124 has the reasons.
 */

const GROUP_OF_FILE = 0o060;
const GROUP_OF_FOLDER = 0o070;
const SETGID = 0o2000;

/**
 * Gives the file that will become the object at `path` the group access of the current object, or else of its folder.
 */
export async function shareFile(file: string, path: string): Promise<void> {
  if (!hasModes()) return;
  const folder = await stat(dirname(path));
  const { mode, gid } = (await statOf(path)) ?? folder;
  await share(file, { mode, gid, uid: folder.uid }, GROUP_OF_FILE, () => hasDefaultAclBeside(file));
}

/**
 * Makes a folder, 0700.
 *
 * @returns whether a default ACL of its parent gives new files rights for a group or for more users
 */
export function makeFolder(folder: string): boolean {
  if (!hasModes() || !isMainThread) {
    mkdirSync(folder, { mode: FOLDER_MODE });
    return false;
  }
  const { mode } = underPrivateUmask(() => {
    mkdirSync(folder, { mode: FOLDER_MODE | GROUP_OF_FOLDER });
    return statSync(folder);
  });
  if ((mode & GROUP_OF_FOLDER) === 0) return false;
  try {
    chmodSync(folder, mode & 0o7700);
  } catch (error) {
    // A file system without modes shows the same for every folder, perhaps as somebody else's.
    if (errnoOf(error) === undefined) throw error;
  }
  return true;
}

/** Gives a new folder the group access of its parent. */
export async function shareFolder(folder: string, hasDefaultAcl: boolean): Promise<void> {
  if (hasModes()) await share(folder, await stat(dirname(folder)), GROUP_OF_FOLDER, () => hasDefaultAcl);
}

/**
 * The same for the folder of a bucket, but only if its parent is meant to be shared, which setgid or a default ACL
 * shows.
 */
export async function shareRoot(root: string, hasDefaultAcl: boolean): Promise<void> {
  if (hasDefaultAcl || (hasModes() && ((await stat(dirname(root))).mode & SETGID) !== 0)) {
    await shareFolder(root, hasDefaultAcl);
  }
}

/** Whether there is a default ACL for a work file. A later write sweeps up what it leaves if it is killed. */
function hasDefaultAclBeside(file: string): boolean {
  if (!isMainThread) return false;
  const probe = `${file}${PROBE_SUFFIX}`;
  const { mode } = underPrivateUmask(() => {
    const descriptor = openSync(probe, "wx", 0o660);
    unlinkSync(probe);
    const stats = fstatSync(descriptor);
    closeSync(descriptor);
    return stats;
  });
  return (mode & GROUP_OF_FILE) !== 0;
}

/**
 * Node.js cannot read ACLs, but with a default ACL the umask is ignored (acl(5)). Nothing else may run between the two
 * calls of `umask`; what another thread creates in between is as private as everything that vsync creates.
 */
function underPrivateUmask(create: () => Stats): Stats {
  const before = process.umask(0o077);
  try {
    return create();
  } finally {
    process.umask(before);
  }
}

type Access = Pick<Stats, "mode" | "gid" | "uid">;

async function share(path: string, there: Access, rights: number, hasDefaultAcl: () => boolean): Promise<void> {
  const own = await stat(path);
  if (own.uid === 0 && there.uid !== 0) return handOver(path, there, rights);
  if ((there.mode & rights) === 0) return;
  try {
    // Never give the rights without the group: they would go to this process's current group.
    if (own.gid === there.gid || (await isGiven(path, own, there)) || hasDefaultAcl())
      await chmod(path, (own.mode & 0o7700) | (there.mode & rights));
  } catch (error) {
    // On a file system without modes, the object stays private and the commit stands.
    if (errnoOf(error) === undefined) throw error;
  }
}

/**
 * Only a member of the group can give a file to it. With a default ACL, the mode's group rights are the limit for
 * everybody in the ACL.
 */
async function isGiven(path: string, own: Access, { gid }: Access): Promise<boolean> {
  try {
    await chown(path, own.uid, gid);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/**
 * Root writes on behalf of the store's owner, who could not read root's objects. Works on the handle, because the owner
 * could replace `path` in between.
 */
async function handOver(path: string, { uid, gid, mode }: Access, rights: number): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const own = await handle.stat();
  if (own.uid !== 0 || (own.isFile() && own.nlink !== 1)) return;
  await handle.chmod((own.mode & 0o7700) | (mode & rights));
  await handle.chown(uid, gid);
}
