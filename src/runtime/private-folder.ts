import type { Stats } from "node:fs";
import { access, constants, mkdir, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessDeniedError } from "../errors.ts";
import { storeFault } from "../file/faults.ts";
import { newFolderName } from "./left-folders.ts";

const MEMORY_FOLDER = "/dev/shm";
/** `f_type` of statfs(2). */
const TMPFS_MAGIC = 0x01021994;
const FOLDER_MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * A name for a folder of our own, which is not made yet: in memory where this machine has a place for that, else where
 * it keeps temporary files.
 *
 * @throws AccessDeniedError other users could put something else in the folder's place
 * @throws S3UnreachableError there is no folder for temporary files
 */
export async function chooseFolder(memoryFolder = MEMORY_FOLDER): Promise<string> {
  const parent = (await isUsableMemory(memoryFolder)) ? memoryFolder : tmpdir();
  if (!isSafeParent(await statOf(parent))) {
    throw new AccessDeniedError(`${parent} is no place for a secret file: other users can rename what is in it`, {
      hint: "set TMPDIR to a folder of the app's own user, or set the sticky bit: chmod +t",
    });
  }
  return join(parent, await newFolderName());
}

/** Fails where there is something of that name, be it a link that somebody planted. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: FOLDER_MODE });
}

async function isUsableMemory(folder: string): Promise<boolean> {
  try {
    if ((await statfs(folder)).type !== TMPFS_MAGIC) return false;
    await access(folder, constants.W_OK | constants.X_OK);
    return isSafeParent(await stat(folder));
  } catch {
    return false;
  }
}

async function statOf(folder: string): Promise<Stats> {
  try {
    return await stat(folder);
  } catch (error) {
    throw storeFault(error, "read", folder);
  }
}

/** Windows has neither of the bits, nor users with numbers. */
function isSafeParent({ mode, uid }: Stats): boolean {
  if (process.platform === "win32") return true;
  const owned = uid === 0 || uid === process.geteuid?.();
  return owned && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);
}
