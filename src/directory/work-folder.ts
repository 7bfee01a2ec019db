import { randomBytes } from "node:crypto";
import { readdir, stat, unlink } from "node:fs/promises";
import { open } from "../disk/open.ts";
import { hasErrno } from "../disk/posix.ts";
import type { ProcessIdentity, ProcessTable } from "../disk/process-table.ts";

const FILE_MODE = 0o600;

/** The age at which a file counts as abandoned, if its process cannot be checked. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/**
 * A file of the work folder. All its information is in the name, because a name appears atomically while content may be
 * incomplete.
 */
export interface WorkFile {
  readonly kind: "temp" | "claim";
  /** The object that it is for: 16 hex digits of the digest of its key. */
  readonly subject: string;
  readonly owner: ProcessIdentity;
  readonly path: string;
}

/** Behind the name of a temporary file: a file that exists only for a moment. */
export const PROBE_SUFFIX = ".probe";

const NAME = /^(temp|claim)\.([0-9a-f]{16})\.([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,20})\.[0-9a-f]{24}(?:\.probe)?$/;

/** A file to be created, with a name that was never used before. */
export function newWorkFile(folder: string, kind: WorkFile["kind"], subject: string, owner: ProcessIdentity): WorkFile {
  const random = randomBytes(12).toString("hex");
  const path = `${folder}/${kind}.${subject}.${owner.place}.${owner.pid}.${owner.start}.${random}`;
  return { kind, subject, owner, path };
}

export async function listWorkFiles(folder: string): Promise<WorkFile[]> {
  return (await readdir(folder)).flatMap((name) => {
    const [, kind, subject = "", place = "", pid, start = ""] = NAME.exec(name) ?? [];
    if (kind !== "temp" && kind !== "claim") return [];
    return [{ kind, subject, owner: { place, pid: Number(pid), start }, path: `${folder}/${name}` }];
  });
}

/** Creates the file, empty, because its name says everything. */
export async function createWorkFile(file: WorkFile): Promise<void> {
  await (await open(file.path, "wx", FILE_MODE)).close();
}

/** Removes the files of killed processes. Returns those whose owner cannot be checked from here. */
export async function sweep(folder: string, processes: ProcessTable): Promise<readonly WorkFile[]> {
  const unknown: WorkFile[] = [];
  for (const file of await listWorkFiles(folder)) {
    const status = await processes.status(file.owner);
    if (status === "dead") await discard(file);
    if (status === "unknown") unknown.push(file);
  }
  return unknown;
}

/** Removes files much older than `fresh`, a file that we just made. Both times come from the file system's clock. */
export async function sweepAbandoned(files: readonly WorkFile[], fresh: WorkFile): Promise<void> {
  for (const file of files) {
    const [madeAtMs, nowMs] = await Promise.all([modifiedAtMs(file), modifiedAtMs(fresh)]);
    if (madeAtMs !== null && nowMs !== null && Math.abs(nowMs - madeAtMs) > ABANDONED_AFTER_MS) await discard(file);
  }
}

/** By the clock of the file system; null if the file is gone. */
export async function modifiedAtMs(file: WorkFile): Promise<number | null> {
  try {
    return (await stat(file.path)).mtimeMs;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/**
 * Whether the file still exists. It writes to the file, because a network file system may answer a mere look from its
 * cache. The write also renews the file's time, by the file system's clock.
 */
export async function renew(file: WorkFile): Promise<boolean> {
  try {
    await using handle = await open(file.path, "r+");
    await handle.write(".", 0);
    await handle.sync();
    return (await handle.stat()).nlink > 0;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESTALE")) return false;
    throw error;
  }
}

/** Never throws: the outcome is already decided, and a later write removes what is left. */
export async function discard(file: WorkFile): Promise<void> {
  await unlink(file.path).catch(() => undefined);
}
