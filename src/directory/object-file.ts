import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, lstat } from "node:fs/promises";
import { open } from "../disk/open.ts";
import { hasErrno } from "../disk/posix.ts";
import { READ_PLAIN_FILE } from "../disk/private-file.ts";
import { AccessDeniedError, S3UnreachableError } from "../errors.ts";
import type { ReadOptions, StoredObject, Version } from "../ports.ts";

const CHUNK_BYTES = 256 * 1024;
/** Four times the largest object of the format. A larger file is not vsync's, and is not read completely. */
const LARGEST_OBJECT_BYTES = 256 * 1024 * 1024;
/** Different from the version of every object. */
const NO_VERSION = "larger than any object";

export interface KeepOptions extends ReadOptions {
  /** How many bytes to return, from the start. The version is always that of the whole file. */
  readonly keepBytes: number;
}

export function versionOf(bytes: Uint8Array): Version {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Reads the file of an object. Null if it does not exist, or is a folder.
 *
 * @throws AccessDeniedError it is a symbolic link, a pipe or another special file
 */
export async function readObjectFile(path: string, options: KeepOptions): Promise<StoredObject | null> {
  const handle = await openObjectFile(path);
  if (!handle) return null;
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) return null;
    if (!stats.isFile()) throw notAFile(path);
    const bytes = new Uint8Array(Math.min(stats.size, options.keepBytes));
    if (stats.size > LARGEST_OBJECT_BYTES) return { bytes: await readStart(handle, bytes), version: NO_VERSION };
    const { version, size } = await digest(handle, bytes, options.signal);
    if (size !== stats.size) throw new S3UnreachableError(`${path} changed while it was read`, { hint: "try again" });
    return { bytes, version, storedMs: stats.mtimeMs };
  } finally {
    await handle.close();
  }
}

/** Whether something other than a folder has this name. */
export async function isTaken(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() === false;
}

/** What has this name, without following links; null if nothing does. */
export async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw error;
  }
}

async function openObjectFile(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, READ_PLAIN_FILE);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return null;
    if (hasErrno(error, "ELOOP", "ENXIO")) throw notAFile(path);
    throw error;
  }
}

async function readStart(handle: FileHandle, kept: Uint8Array): Promise<Uint8Array> {
  const { bytesRead } = await handle.read(kept, 0, kept.length, 0);
  return kept.subarray(0, bytesRead);
}

/** Computes the digest of the whole file, and fills `kept` from its start. */
async function digest(
  handle: FileHandle,
  kept: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ version: Version; size: number }> {
  const hash = createHash("sha256");
  const scratch = new Uint8Array(CHUNK_BYTES);
  for (let size = 0; ; ) {
    signal?.throwIfAborted();
    const target = size < kept.length ? kept.subarray(size, size + CHUNK_BYTES) : scratch;
    const { bytesRead } = await handle.read(target, 0, target.length, null);
    if (bytesRead === 0) return { version: hash.digest("hex"), size };
    hash.update(target.subarray(0, bytesRead));
    size += bytesRead;
  }
}

function notAFile(path: string): AccessDeniedError {
  return new AccessDeniedError(`${path} is a symbolic link or a special file, and was not read`, {
    hint: "a store holds only plain files: put the object itself there",
  });
}
