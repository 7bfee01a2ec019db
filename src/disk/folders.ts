import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { open } from "./open.ts";
import { codeOf, hasErrno, hasModes } from "./posix.ts";

export const FOLDER_MODE = 0o700;

/**
 * Makes a folder and its missing parents, mode 0700. An existing folder keeps its mode.
 *
 * Does not use Node's recursive `mkdir`: in a folder that cannot contain any (`/proc`), the system always answers
 * ENOENT, and Node retries for ever.
 */
export async function makeFolder(folder: string): Promise<void> {
  const make = (): Promise<void> => mkdir(folder, { mode: FOLDER_MODE }).catch(unlessThere);
  try {
    await make();
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await make();
  }
}

export function unlessThere(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

export function unlessGone(error: unknown): void {
  if (!hasErrno(error, "ENOENT")) throw error;
}

/** Makes the entries of a folder survive a power cut, if the platform can. */
export async function syncFolder(folder: string): Promise<void> {
  if (!hasModes()) return;
  await using handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!hasErrno(error, "EINVAL", "EISDIR", "EPERM", "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
}
