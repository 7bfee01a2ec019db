import { AccessDeniedError, InputError, S3UnreachableError } from "../errors.ts";
import { errnoOf } from "./posix.ts";

/** The verb in messages: `cannot read …`. */
export type Action = "read" | "write" | "list" | "delete" | "create";

const DENIED: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
};

const CHECK_DISK = "check the disk";
const CHECK_OWNER = "check who owns the folder, its mode, and how it is mounted";
const MAKE_ROOM = "make room on that disk, then run the command again";

/** The reason, and what to do about it. */
const UNREACHABLE: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EDQUOT: ["disk quota exceeded", MAKE_ROOM],
  EEXIST: ["something that is not a folder is in the way", "move it elsewhere: vsync makes the folders that it needs"],
  ELOOP: ["its path is a loop of symbolic links", "put the folder itself in place of the link"],
  EISDIR: ["it is a folder", "name a file, or move the folder elsewhere"],
  EIO: ["input/output error", CHECK_DISK],
  EMFILE: ["too many open files", "raise the limit of open files (ulimit -n), then run the command again"],
  ENFILE: [
    "too many open files on this machine",
    "close programs that have many files open, then run the command again",
  ],
  ENAMETOOLONG: ["the name is too long", "use a shorter one"],
  ENOENT: ["a file or folder vanished in the meantime", "run the command again"],
  ENOSPC: ["no space left on the device", MAKE_ROOM],
  ENOTDIR: ["a part of the path is not a folder", "check each part of the path: all but the last must be folders"],
  ESTALE: ["the network file system lost the file", "run the command again; if that does not help, remount it"],
};

/**
 * Turns a failed system call into the error of the `ObjectStore` contract, naming the path. Returns any other error
 * unchanged.
 */
export function storeFault(error: unknown, action: Action, path: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const denied = DENIED[code];
  if (denied !== undefined) {
    return new AccessDeniedError(`cannot ${action} ${path}: ${denied} (${code})`, { hint: CHECK_OWNER });
  }
  return new S3UnreachableError(`cannot ${action} ${path}: ${reasonOf(code)}`, { hint: remedyFor(code, action) });
}

/** The same for a file of this machine. Null if no file failed. Reading and flushing an open file names no path. */
export function fileFault(error: unknown): InputError | null {
  const code = errnoOf(error);
  if (code === undefined) return null;
  const path = error instanceof Error && "path" in error ? String(error.path) : null;
  if (path === null && !(code in UNREACHABLE || code in DENIED)) return null;
  const hint = UNREACHABLE[code]?.[1] ?? (code in DENIED ? CHECK_OWNER : CHECK_DISK);
  return new InputError(`cannot use ${path ?? "a file of this machine"}: ${reasonOf(code)}`, { hint });
}

function remedyFor(code: string, action: Action): string {
  const isBadPath = ["ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"].includes(code);
  // Only `init` creates a store, and its user has just named the place.
  if (isBadPath && action === "create")
    return "keep the store in another folder: --endpoint=file:///…, or XDG_DATA_HOME";
  return UNREACHABLE[code]?.[1] ?? CHECK_DISK;
}

/** `no space left on the device (ENOSPC)` */
export function reasonOf(code: string): string {
  const reason = UNREACHABLE[code]?.[0] ?? DENIED[code];
  return reason === undefined ? code : `${reason} (${code})`;
}
