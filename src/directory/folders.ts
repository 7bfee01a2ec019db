import { access, constants, link, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { storeFault } from "../disk/faults.ts";
import { syncFolder } from "../disk/folders.ts";
import { open } from "../disk/open.ts";
import { errnoOf, hasErrno } from "../disk/posix.ts";
import { temporaryFor } from "../disk/temporary.ts";
import { S3UnreachableError } from "../errors.ts";
import { makeFolder, shareFolder, shareRoot } from "./group-access.ts";
import { type DirectoryLocation, rootOf } from "./location.ts";

/**
 * Makes the folder of a bucket and those above it, mode 0700. An existing folder keeps its mode.
 *
 * @throws AccessDeniedError, S3UnreachableError naming the path
 */
export async function createDirectoryRoot(location: Omit<DirectoryLocation, "prefix">): Promise<void> {
  const root = rootOf(location);
  try {
    if (!(await isFolder(root))) {
      await shareRoot(root, await makeFolderBelow(root, "/"));
    }
    await access(root, constants.W_OK | constants.X_OK);
    await proveHardLinks(root);
  } catch (error) {
    throw storeFault(error, "create", root);
  }
}

/**
 * Proves that a folder's file system has hard links. Without them, creating an object cannot be atomic and exclusive.
 *
 * @throws S3UnreachableError it has no hard links
 */
export async function proveHardLinks(folder: string): Promise<void> {
  const probe = await temporaryFor(join(folder, "probe"));
  const linked = await temporaryFor(join(folder, "probe"));
  await (await open(probe, "wx", 0o600)).close();
  try {
    await link(probe, linked);
    await unlink(linked);
  } catch (error) {
    throw hasErrno(error, ...WITHOUT_LINKS) ? noHardLinks(folder, errnoOf(error) ?? "") : error;
  } finally {
    await unlink(probe);
  }
}

/** If this process can write to the folder, these mean missing link support: see link(2). */
export const WITHOUT_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"] as const;

export function noHardLinks(path: string, code: string): S3UnreachableError {
  return new S3UnreachableError(`cannot create ${path}: its file system has no hard links (${code})`, {
    hint: "keep the store on a file system that has them, such as ext4, xfs, btrfs or apfs; a copy of it can be read anywhere",
  });
}

/**
 * Whether the folder of a bucket exists.
 *
 * @throws AccessDeniedError, S3UnreachableError it does not exist and cannot be made; names the path
 */
export async function checkDirectoryRoot(location: Omit<DirectoryLocation, "prefix">): Promise<boolean> {
  const root = rootOf(location);
  try {
    if (await isFolder(root)) return true;
    await access(await nearestThere(dirname(root)), constants.W_OK | constants.X_OK);
    return false;
  } catch (error) {
    throw storeFault(error, "create", root);
  }
}

/** Whether this process may write to the folder of an existing vault. */
export async function mayWrite(location: DirectoryLocation): Promise<boolean> {
  return access(join(rootOf(location), location.prefix), constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function nearestThere(path: string): Promise<string> {
  try {
    // With the slash, stat fails unless it is a folder.
    await stat(`${path}/`);
    return path;
  } catch (error) {
    if (!hasErrno(error, "ENOENT") || dirname(path) === path) throw error;
    return nearestThere(dirname(path));
  }
}

/**
 * Makes `folder` and the missing folders between it and `root`, which must exist. Flushes each new entry.
 *
 * @returns whether `folder` is new and has a default ACL
 */
export async function makeFolderBelow(folder: string, root: string): Promise<boolean> {
  if (await isFolder(folder)) return false;
  const parent = dirname(folder);
  // On Windows even the topmost folder, the drive, may be missing.
  if (folder === root || folder === parent) throw rootMissing(folder);
  await makeFolderBelow(parent, root);
  let hasDefaultAcl = false;
  try {
    hasDefaultAcl = makeFolder(folder);
    if (root !== "/") await shareFolder(folder, hasDefaultAcl);
  } catch (error) {
    if (!hasErrno(error, "EEXIST") || !(await isFolder(folder))) throw error;
  }
  await syncFolder(parent);
  return hasDefaultAcl;
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

export function rootMissing(root: string): S3UnreachableError {
  return new S3UnreachableError(`the store's folder ${root} does not exist`, {
    hint: "mount the disk that holds it, or make a new store with vsync init",
  });
}
