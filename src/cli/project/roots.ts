import { stat } from "node:fs/promises";
import type { Root } from "../config/config-document.ts";

/** One folder, or one place in two worktrees of a clone. A folder that now holds another clone is another one. */
export function isSameRoot(one: Root, other: Root): boolean {
  if (one.remote !== undefined && other.remote !== undefined && !isSameRemote(one, other)) return false;
  const isSameTree = one.git !== undefined && one.git === other.git && one.within === other.within;
  return isSameTree || one.folder === other.folder;
}

/** Forges take either case in a path: one person clones Acme/API, another acme/api. */
export function isSameRemote(one: Root, other: Root): boolean {
  return one.remote !== undefined && one.remote.toLowerCase() === other.remote?.toLowerCase();
}

/** Whether the folder is gone, and a clone with its remote is here. */
export async function hasMovedTo(before: Root, here: Root): Promise<boolean> {
  if (!isSameRemote(before, here)) return false;
  return stat(before.folder).then(
    () => false,
    (error) => error.code === "ENOENT",
  );
}
