import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { open } from "./open.ts";
import { codeOf, hasErrno, hasModes } from "./posix.ts";

export const FOLDER_MODE = 0o700;

/**
 * Makes a folder and those missing above it, 0700. One that exists keeps its mode.
 *
 * Not Node's recursive `mkdir`: below a folder that cannot contain one (`/proc`), the system always answers ENOENT, and
 * Node tries for ever.
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

/** Makes the entries of a folder outlast a power cut, where the platform can. */
export async function syncFolder(folder: string): Promise<void> {
  if (!hasModes()) return;
  await using handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!hasErrno(error, "EINVAL", "EISDIR", "EPERM", "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
}
