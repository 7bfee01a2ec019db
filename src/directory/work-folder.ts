import { randomBytes } from "node:crypto";
import { open, readdir, stat, unlink } from "node:fs/promises";
import { hasErrno } from "../disk/posix.ts";
import type { ProcessIdentity, ProcessTable } from "../disk/process-table.ts";

const FILE_MODE = 0o600;

/** The age at which a file counts as abandoned if nobody can ask about its process. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** A file of the work folder says everything in its name: a name appears at once or not at all, content may be cut. */
export interface WorkFile {
  readonly kind: "temp" | "claim";
  /** The object that it is for: 16 hex digits of its key's digest. */
  readonly subject: string;
  readonly owner: ProcessIdentity;
  readonly path: string;
}

const NAME = /^(temp|claim)\.([0-9a-f]{16})\.([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,20})\.[0-9a-f]{24}$/;

/** A file to be created, under a name that no file ever had. */
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

/** Creates the file, empty: its name says everything. */
export async function createWorkFile(file: WorkFile): Promise<void> {
  await (await open(file.path, "wx", FILE_MODE)).close();
}

/** Removes the files that killed processes left. */
export async function sweep(folder: string, processes: ProcessTable): Promise<void> {
  for (const file of await listWorkFiles(folder)) {
    if (await isAbandoned(file, processes)) await discard(file);
  }
}

async function isAbandoned(file: WorkFile, processes: ProcessTable): Promise<boolean> {
  const status = await processes.status(file.owner);
  if (status !== "unknown") return status === "dead";
  const changedAtMs = await modifiedAtMs(file);
  return changedAtMs !== null && Math.abs(Date.now() - changedAtMs) > ABANDONED_AFTER_MS;
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

/** Never throws: the outcome is decided already, and a later write sweeps up what stays. */
export async function discard(file: WorkFile): Promise<void> {
  await unlink(file.path).catch(() => undefined);
}
