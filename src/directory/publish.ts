import { link, lstat, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { reasonOf } from "../disk/faults.ts";
import { syncFolder } from "../disk/folders.ts";
import { errnoOf, hasErrno } from "../disk/posix.ts";
import { ConflictError, OutcomeUnknownError } from "../errors.ts";
import type { Version } from "../ports.ts";
import { noHardLinks, WITHOUT_LINKS } from "./folders.ts";
import { readObjectFile } from "./object-file.ts";

/**
 * How a finished temporary file becomes an object. A network file system repeats a request whose response was lost, and
 * then may report its own success as a failure. So both functions check what is there before they believe a failure.
 */

/**
 * Gives the file the name of an object that must not exist.
 *
 * @throws ConflictError the name is taken
 * @throws S3UnreachableError the file system has no hard links
 * @throws OutcomeUnknownError the object is in place, but may not survive a power cut
 */
export async function publishNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (hasErrno(error, ...WITHOUT_LINKS)) throw noHardLinks(path, errnoOf(error) ?? "");
    if (!hasErrno(error, "EEXIST")) throw error;
    if (!(await areOneFile(temporary, path))) throw conflictAt(path, "exists");
  }
  await flush(path);
}

/**
 * Replaces an object with the file, whose content has this version.
 *
 * @throws OutcomeUnknownError the object is in place, but may not survive a power cut
 */
export async function publishOver(temporary: string, path: string, version: Version): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    const stored = await readObjectFile(path, { keepBytes: 0 }).catch(() => null);
    if (stored?.version !== version) throw error;
  }
  await flush(path);
}

export function conflictAt(path: string, state: "exists" | "has changed"): ConflictError {
  return new ConflictError(`${path} ${state}`, { hint: "another writer was first: run the command again" });
}

async function flush(path: string): Promise<void> {
  try {
    await syncFolder(dirname(path));
  } catch (error) {
    const message = `${path} was written, but may not survive a power cut: ${reasonOf(errnoOf(error) ?? "")}`;
    throw new OutcomeUnknownError(message, {
      hint: "check the disk, then check with vsync status whether the change is there",
    });
  }
}

async function areOneFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([identify(a), identify(b)]);
  return first !== null && first === second;
}

async function identify(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return null;
    throw error;
  }
}
