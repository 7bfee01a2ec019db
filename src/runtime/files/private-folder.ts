import { randomBytes } from "node:crypto";
import { existsSync, readlinkSync, type Stats } from "node:fs";
import { access, constants, lstat, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeFault } from "../../disk/faults.ts";
import { FOLDER_MODE } from "../../disk/folders.ts";
import { belongsToAnother, hasModes } from "../../disk/posix.ts";
import { type ProcessIdentity, type ProcessTable, systemProcesses } from "../../disk/process-table.ts";
import { AccessDeniedError } from "../../errors.ts";

const MEMORY_FOLDER = "/dev/shm";
/** `f_type` of statfs(2). */
const TMPFS_MAGIC = 0x01021994;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Chooses a name for a new folder: in memory if this machine has a tmpfs, else in its folder for temporary files.
 *
 * @throws AccessDeniedError other users could replace the folder
 * @throws S3UnreachableError the folder for temporary files does not exist
 */
export async function chooseFolder(memoryFolder = MEMORY_FOLDER): Promise<string> {
  const parent = (await isUsableMemory(memoryFolder)) ? memoryFolder : tmpdir();
  if (!isSafeParent(await statOf(parent))) {
    throw new AccessDeniedError(`${parent} is not safe for a secret file: other users can rename the files in it`, {
      hint: "set TMPDIR to a folder of the app's own user, or set the sticky bit: chmod +t",
    });
  }
  return join(parent, await newFolderName());
}

/** Fails if the name is taken, for example by a link that somebody planted. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: FOLDER_MODE });
}

async function isUsableMemory(folder: string): Promise<boolean> {
  try {
    if ((await statfs(folder)).type !== TMPFS_MAGIC) return false;
    await access(folder, constants.W_OK | constants.X_OK);
    return isSafeParent(await stat(folder));
  } catch {
    return false;
  }
}

async function statOf(folder: string): Promise<Stats> {
  try {
    return await stat(folder);
  } catch (error) {
    throw storeFault(error, "read", folder);
  }
}

function isSafeParent(stats: Stats): boolean {
  if (!hasModes()) return true;
  return !belongsToAnother(stats) && ((stats.mode & WRITABLE_BY_OTHERS) === 0 || (stats.mode & STICKY) !== 0);
}

/** The thread that made a folder. */
interface Owner extends ProcessIdentity {
  /** The kernel's id of the thread; 0 if unknown. */
  readonly thread: number;
}

const NAME = /^vsync\.([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,20})\.([0-9]{1,10})\.[0-9a-f]{32}$/;
const GROUP_OR_WORLD = 0o077;

/**
 * A name that nobody can guess. It records who made the folder, so another process can tell whether it was left behind.
 */
export async function newFolderName(): Promise<string> {
  const thread = ownThread();
  const { place, pid, start } = await systemProcesses().self();
  return `vsync.${place}.${pid}.${start}.${thread}.${randomBytes(16).toString("hex")}`;
}

/**
 * Removes folders that this user's killed processes and terminated worker threads left behind. It skips folders whose
 * owner may still be running, and those it cannot remove.
 */
export async function removeLeftFolders(parent: string): Promise<void> {
  const processes = systemProcesses();
  for (const name of await readdir(parent).catch(() => [])) {
    const owner = ownerOf(name);
    if (owner !== null && (await hasEnded(owner, processes))) await removeOwn(join(parent, name));
  }
}

function ownerOf(name: string): Owner | null {
  const [, place, pid, start, thread] = NAME.exec(name) ?? [];
  if (place === undefined || start === undefined) return null;
  return { place, pid: Number(pid), start, thread: Number(thread) };
}

async function hasEnded(owner: Owner, processes: ProcessTable): Promise<boolean> {
  const status = await processes.status(owner);
  return status === "dead" || (status === "alive" && owner.thread !== 0 && isThreadGone(owner));
}

/** Only this user's folder: another user could swap its contents while root removes it. */
async function removeOwn(folder: string): Promise<void> {
  try {
    const stats = await lstat(folder);
    const isOwn = stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & GROUP_OR_WORLD) === 0;
    if (isOwn) await rm(folder, { recursive: true, force: true });
  } catch {
    // Another handle was faster, or the next one will remove it.
  }
}

/** The kernel's id of the current thread: /proc/thread-self, see proc(5). */
function ownThread(): number {
  try {
    const [, pid, thread] = /^([0-9]+)\/task\/([0-9]+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    return Number(pid) === process.pid ? Number(thread) : 0;
  } catch {
    return 0;
  }
}

function isThreadGone({ pid, thread }: Owner): boolean {
  return existsSync(`/proc/${pid}/task/${pid}`) && !existsSync(`/proc/${pid}/task/${thread}`);
}
