import { stat } from "node:fs/promises";
import type { Root } from "../config/config-document.ts";

/**
 * Whether two roots are one folder, or one place in two worktrees of a clone. A folder that now holds another clone
 * does not count as the same.
 */
export function isSameRoot(one: Root, other: Root): boolean {
  if (one.remote !== undefined && other.remote !== undefined && !isSameRemote(one, other)) return false;
  const isSameTree = one.git !== undefined && one.git === other.git && one.within === other.within;
  return isSameTree || one.folder === other.folder;
}

/** Compares without case, as forges do: one person clones Acme/API, another acme/api. */
export function isSameRemote(one: Root, other: Root): boolean {
  return one.remote !== undefined && one.remote.toLowerCase() === other.remote?.toLowerCase();
}

/** Whether the folder is gone and a clone with its remote is here instead. */
export async function hasMovedTo(before: Root, here: Root): Promise<boolean> {
  if (!isSameRemote(before, here)) return false;
  return stat(before.folder).then(
    () => false,
    (error) => error.code === "ENOENT",
  );
}
