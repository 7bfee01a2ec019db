import { randomBytes } from "node:crypto";
import { existsSync, readlinkSync, type Stats } from "node:fs";
import { access, constants, lstat, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeFault } from "../disk/faults.ts";
import { type ProcessIdentity, type ProcessTable, systemProcesses } from "../disk/process-table.ts";
import { AccessDeniedError } from "../errors.ts";

const MEMORY_FOLDER = "/dev/shm";
/** `f_type` of statfs(2). */
const TMPFS_MAGIC = 0x01021994;
const FOLDER_MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * A name for a folder of our own, which is not made yet: in memory where this machine has a place for that, else where
 * it keeps temporary files.
 *
 * @throws AccessDeniedError other users could put something else in the folder's place
 * @throws S3UnreachableError there is no folder for temporary files
 */
export async function chooseFolder(memoryFolder = MEMORY_FOLDER): Promise<string> {
  const parent = (await isUsableMemory(memoryFolder)) ? memoryFolder : tmpdir();
  if (!isSafeParent(await statOf(parent))) {
    throw new AccessDeniedError(`${parent} is no place for a secret file: other users can rename what is in it`, {
      hint: "set TMPDIR to a folder of the app's own user, or set the sticky bit: chmod +t",
    });
  }
  return join(parent, await newFolderName());
}

/** Fails where there is something of that name, be it a link that somebody planted. */
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

/** Windows has neither of the bits, nor users with numbers. */
function isSafeParent({ mode, uid }: Stats): boolean {
  if (process.platform === "win32") return true;
  const owned = uid === 0 || uid === process.geteuid?.();
  return owned && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);
}

/** Who made a folder: a thread of a process. */
interface Owner extends ProcessIdentity {
  /** As the kernel numbers threads; 0 where that cannot be known. */
  readonly thread: number;
}

const NAME = /^vsync\.([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,20})\.([0-9]{1,10})\.[0-9a-f]{32}$/;
const GROUP_OR_WORLD = 0o077;

/** A name that nobody can guess, and that says who made the folder: whoever finds it can see whether it was left behind. */
export async function newFolderName(): Promise<string> {
  const thread = ownThread();
  const { place, pid, start } = await systemProcesses().self();
  return `vsync.${place}.${pid}.${start}.${thread}.${randomBytes(16).toString("hex")}`;
}

/**
 * Removes the folders of this user whose process was killed, or whose worker thread was terminated: neither could do so
 * itself. The folder of an owner that may still be running is left alone, and so is what cannot be removed.
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

/** Only a folder of our own: root must not follow another user, who could swap what is in it while it is removed. */
async function removeOwn(folder: string): Promise<void> {
  try {
    const stats = await lstat(folder);
    const isOwn = stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & GROUP_OR_WORLD) === 0;
    if (isOwn) await rm(folder, { recursive: true, force: true });
  } catch {
    // Another handle was faster, or whoever looks next will be.
  }
}

/** proc(5): /proc/thread-self, of the thread that this runs on. */
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
