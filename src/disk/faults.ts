import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError } from "../errors.ts";

/** What was being done, for messages: `cannot read …`. */
export type Action = "read" | "write" | "list" | "delete" | "create";

const DENIED: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
};

const CHECK_DISK = "check the disk";
const MAKE_ROOM = "make room on that disk, then run the command again";

/** Why, and what to do about it. */
const UNREACHABLE: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EDQUOT: ["disk quota exceeded", MAKE_ROOM],
  EEXIST: ["something that is no folder is in the way", "move it elsewhere: vsync makes the folders that it needs"],
  ELOOP: ["its path is a circle of symbolic links", "put the folder itself in place of the link"],
  EIO: ["input/output error", CHECK_DISK],
  EMFILE: ["too many open files", "raise the limit of open files (ulimit -n), then run the command again"],
  ENFILE: ["too many open files on this machine", "end programs that hold many files open, then run the command again"],
  ENAMETOOLONG: ["the name is too long", "use a shorter one"],
  ENOENT: ["a file or folder vanished meanwhile", "run the command again"],
  ENOSPC: ["no space left on the device", MAKE_ROOM],
  ENOTDIR: ["a part of the path is no folder", "look at each part of the path: all but the last must be folders"],
  ESTALE: ["the network file system lost the file", "run the command again; if that does not help, mount it anew"],
};

/** The error code of a failed system call, or undefined for every other failure. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && codes.includes(code);
}

/** A failed system call as the port's errors, naming the path; everything else as it is. */
export function storeFault(error: unknown, action: Action, path: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const denied = DENIED[code];
  if (denied !== undefined) {
    return new AccessDeniedError(`cannot ${action} ${path}: ${denied} (${code})`, {
      hint: "check who owns the folder, its mode, and how it is mounted",
    });
  }
  return new S3UnreachableError(`cannot ${action} ${path}: ${reasonOf(code)}`, { hint: remedyFor(code, action) });
}

function remedyFor(code: string, action: Action): string {
  const isNoPath = ["ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"].includes(code);
  // Only `init` makes a store, and where it is to be was said just now.
  if (isNoPath && action === "create")
    return "keep the store in another folder: --endpoint=file:///…, or XDG_DATA_HOME";
  return UNREACHABLE[code]?.[1] ?? CHECK_DISK;
}

export function conflictAt(path: string, state: "exists" | "has changed"): ConflictError {
  return new ConflictError(`${path} ${state}`, { hint: "another writer was first: run the command again" });
}

export function rootMissing(root: string): S3UnreachableError {
  return new S3UnreachableError(`the store's folder ${root} is not there`, {
    hint: "mount the disk that holds it, or make a new store with vsync init",
  });
}

export function noHardLinks(path: string, code: string): S3UnreachableError {
  return new S3UnreachableError(`cannot create ${path}: its file system has no hard links (${code})`, {
    hint: "keep the store on a file system that has them, such as ext4, xfs, btrfs or apfs; a copy of it can be read anywhere",
  });
}

/** The object is in place, but its folder could not be flushed: a power cut may still undo the write. */
export function notDurable(error: unknown, path: string): OutcomeUnknownError {
  const reason = reasonOf(errnoOf(error) ?? "");
  return new OutcomeUnknownError(`${path} was written, but may not outlast a power cut: ${reason}`, {
    hint: "check the disk, then look with vsync status whether the change is there",
  });
}

function reasonOf(code: string): string {
  const reason = UNREACHABLE[code]?.[0] ?? DENIED[code];
  return reason === undefined ? code : `${reason} (${code})`;
}
