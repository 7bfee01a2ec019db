import type { Stats } from "node:fs";
import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { FOLDER_MODE, makeFolder, unlessThere } from "./folders.ts";
import { codeOf } from "./posix.ts";

/** Looks at a path without following links; null if nothing is there. */
export async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** For anything in the place of a file that vsync is about to write. */
export function notAFile(path: string, stats: Stats, hint: string): InputError {
  const what = stats.isSymbolicLink() ? "is a symbolic link, which is not followed" : "is not a regular file";
  return new InputError(`${path} ${what}`, { hint });
}

/** @throws InputError something on the way from `root` to a name is a link, which may lead anywhere, or not a folder */
export async function refuseLinkedFolders(root: string, name: string): Promise<void> {
  for (const folder of foldersOf(root, name)) {
    const stats = await lookAt(folder);
    if (stats === null) return;
    refuseUnlessFolder(folder, stats);
  }
}

/** Makes the missing folders between `root` and a name, 0700. @throws as `refuseLinkedFolders` */
export async function makeFolders(root: string, name: string): Promise<void> {
  if ((await lookAt(root)) === null) await makeFolder(root);
  for (const folder of foldersOf(root, name)) {
    await mkdir(folder, { mode: FOLDER_MODE }).catch(unlessThere);
    const stats = await lookAt(folder);
    if (stats !== null) refuseUnlessFolder(folder, stats);
  }
}

/** `a/b/c` below `root`: `root/a`, `root/a/b`. */
function foldersOf(root: string, name: string): readonly string[] {
  const segments = name.split("/").slice(0, -1);
  return segments.map((_, at) => join(root, ...segments.slice(0, at + 1)));
}

function refuseUnlessFolder(folder: string, stats: Stats): void {
  if (stats.isDirectory()) return;
  const what = stats.isSymbolicLink() ? "is a symbolic link, which is not followed" : "is not a folder";
  throw new InputError(`${folder} ${what}`, { hint: "move it away, or name another folder with --files-dir=<folder>" });
}
