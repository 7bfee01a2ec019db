import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, type Stats, unlinkSync } from "node:fs";
import { chmod, chown, lstat, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { open } from "../disk/open.ts";
import { errnoOf, hasErrno, hasModes } from "../disk/posix.ts";

/*
 * vsync makes files and folders for one user alone. Somebody who opens a store to a group, with chmod or with a folder that
 * has setgid or a default ACL, keeps that: a new object has the group and the group's rights of the object that it replaces, or
 * else of its folder, under any umask. Other users get no rights from vsync. What root writes into a store belongs to the
 * store's owner. Decision 0124 has the reasons.
 */

const GROUP_OF_FILE = 0o060;
const GROUP_OF_FOLDER = 0o070;
const SETGID = 0o2000;

/** Gives the file that is to become the object at `path` the group access of what is there now, or of its folder. */
export async function shareFile(file: string, path: string): Promise<void> {
  if (!hasModes()) return;
  const folder = await stat(dirname(path));
  const { mode, gid } = (await statOf(path)) ?? folder;
  await share(file, { mode, gid, uid: folder.uid }, GROUP_OF_FILE);
}

/** Gives a new folder the group access of the one above. */
export async function shareFolder(folder: string): Promise<void> {
  if (hasModes()) await share(folder, await stat(dirname(folder)), GROUP_OF_FOLDER);
}

/** The same for the folder of a bucket, but only below one that is there to be shared: setgid or a default ACL says so. */
export async function shareRoot(root: string): Promise<void> {
  if (!hasModes()) return;
  const above = await stat(dirname(root));
  if ((above.mode & SETGID) !== 0 || hasDefaultAcl(dirname(root))) await share(root, above, GROUP_OF_FOLDER);
}

/**
 * Whether new files of a folder get the rights of a group or of further users from a default ACL. Node.js reads no ACLs, but where
 * there is a default one the umask does not count (acl(5)). Nothing else may run between the two calls of `umask`; what
 * another thread creates meanwhile is as private as everything that vsync creates.
 */
function hasDefaultAcl(folder: string): boolean {
  if (!isMainThread) return false;
  const probe = join(folder, `probe-${randomBytes(8).toString("hex")}`);
  const before = process.umask(0o077);
  try {
    const descriptor = openSync(probe, "wx", 0o660);
    const { mode } = fstatSync(descriptor);
    closeSync(descriptor);
    unlinkSync(probe);
    return (mode & GROUP_OF_FILE) !== 0;
  } finally {
    process.umask(before);
  }
}

type Access = Pick<Stats, "mode" | "gid" | "uid">;

async function share(path: string, there: Access, rights: number): Promise<void> {
  const own = await stat(path);
  if (own.uid === 0 && there.uid !== 0) return handOver(path, there, rights);
  if ((there.mode & rights) === 0) return;
  try {
    // Never the rights without the group: they would go to the group that this process happens to have.
    if (own.gid === there.gid || (await isGiven(path, own, there)) || hasDefaultAcl(dirname(path)))
      await chmod(path, (own.mode & 0o7700) | (there.mode & rights));
  } catch (error) {
    // A file system without modes: the object stays private, and the commit stands.
    if (errnoOf(error) === undefined) throw error;
  }
}

/** Not by a user who is not in the group. With a default ACL, the mode's rights of the group are those of all that the ACL names. */
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
 * Root writes for the owner of the store, who could not read root's objects. Through a handle, because the owner may put
 * another file in the place of `path` meanwhile.
 */
async function handOver(path: string, { uid, gid, mode }: Access, rights: number): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const own = await handle.stat();
  if (own.uid !== 0 || (own.isFile() && own.nlink !== 1)) return;
  await handle.chmod((own.mode & 0o7700) | (mode & rights));
  await handle.chown(uid, gid);
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw error;
  }
}
