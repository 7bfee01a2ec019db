import { access, constants, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrno, rootMissing, storeFault } from "../disk/faults.ts";
import { type DirectoryLocation, rootOf } from "./location.ts";

const FOLDER_MODE = 0o700;

/**
 * Makes the folder of a bucket, and those above it, 0700. One that exists is left as it is.
 *
 * @throws AccessDeniedError, S3UnreachableError naming the path
 */
export async function createDirectoryRoot(location: Omit<DirectoryLocation, "prefix">): Promise<void> {
  const root = rootOf(location);
  try {
    await makeFolder(root, "/");
    await access(root, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw storeFault(error, "create", root);
  }
}

/**
 * Whether the folder of a bucket is there.
 *
 * @throws AccessDeniedError, S3UnreachableError naming the path: it is not, and could not be made
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

async function nearestThere(path: string): Promise<string> {
  try {
    // A slash at the end: what is no folder is in the way.
    await stat(`${path}/`);
    return path;
  } catch (error) {
    if (!hasErrno(error, "ENOENT") || dirname(path) === path) throw error;
    return nearestThere(dirname(path));
  }
}

/** Makes `folder` and what is missing between it and `root`, which must exist. */
export async function makeFolder(folder: string, root: string): Promise<void> {
  if (await isFolder(folder)) return;
  const parent = dirname(folder);
  // On Windows, what is above all others may be missing: a drive.
  if (folder === root || folder === parent) throw rootMissing(folder);
  await makeFolder(parent, root);
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (!hasErrno(error, "EEXIST") || !(await isFolder(folder))) throw error;
  }
  await syncFolder(parent);
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Makes the entries of a folder outlast a power cut, where the platform can. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!hasErrno(error, "EINVAL", "EISDIR", "EPERM", "ENOTSUP", "EOPNOTSUPP")) throw error;
  } finally {
    await handle.close();
  }
}
