import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { hasErrno } from "../disk/posix.ts";
import type { ListOptions } from "../ports.ts";
import { checkKey, WORK_FOLDER } from "./location.ts";

/** The keys under `folder`, sorted. Only regular files outside work folders are objects. */
export async function listKeys(folder: string, keyPrefix: string, options: ListOptions): Promise<string[]> {
  const start = keyPrefix.slice(0, keyPrefix.lastIndexOf("/") + 1);
  if (start !== "") checkKey(start.slice(0, -1));
  const keys = await keysBelow(folder, start, options.signal);
  const startAfter = Buffer.from(options.startAfter ?? "");
  return keys
    .filter((key) => key.startsWith(keyPrefix))
    .map((key) => Buffer.from(key))
    .filter((key) => options.startAfter === undefined || Buffer.compare(key, startAfter) > 0)
    .toSorted((a, b) => Buffer.compare(a, b))
    .map(String);
}

async function keysBelow(folder: string, start: string, signal: AbortSignal | undefined): Promise<string[]> {
  signal?.throwIfAborted();
  const keys: string[] = [];
  for (const entry of await readFolder(folder + start)) {
    if (entry.isFile()) keys.push(start + entry.name);
    else if (entry.isDirectory() && entry.name.toLowerCase() !== WORK_FOLDER) {
      keys.push(...(await keysBelow(folder, `${start}${entry.name}/`, signal)));
    }
  }
  return keys;
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
