import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file that only this user can read, at once: a reader sees the old bytes or the new ones, also after a crash.
 * Folders that are missing are made 0700; one that exists is left as it is.
 */
export async function writePrivateFile(path: string, bytes: string | Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeNew(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

async function writeNew(path: string, bytes: string | Uint8Array): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename outlast a power cut, where the platform can flush a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Why what is at this path cannot be relied upon (`can be changed by other users (mode 0664)`), or null. */
export async function tamperingFault(path: string): Promise<string | null> {
  if (process.platform === "win32") return null;
  const { mode, uid } = await stat(path);
  // Root may change any file anyway.
  if (uid !== 0 && uid !== process.geteuid?.()) return `belongs to another user (uid ${uid})`;
  return (mode & 0o022) === 0 ? null : `can be changed by other users (mode ${modeText(mode)})`;
}

/** Whether others may read a file that holds a credential. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  return process.platform !== "win32" && ((await stat(path)).mode & 0o044) !== 0;
}

function modeText(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`;
}
