import { isUtf8 } from "node:buffer";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "./faults.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const WORLD_WRITABLE = 0o002;
const GROUP_OR_WORLD = 0o077;
/** Space, tab, CR, LF. */
const TRAILING = [0x20, 0x09, 0x0d, 0x0a];
// Links are followed: that is how Kubernetes mounts secrets. O_NONBLOCK: opening a named pipe would wait for its other
// end. Windows has no such flag.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "is not there",
  ENOTDIR: "is not there",
  EACCES: "may not be read by this process",
  EPERM: "may not be read by this process",
  ELOOP: "is a circle of symbolic links",
  ENXIO: "is not a regular file",
  ENAMETOOLONG: "is too long for a path",
};

/** What a file that a user named for a secret holds, or why it is refused. */
export type SecretFile =
  | {
      /** UTF-8, at least one byte, without trailing spaces, tabs and line ends. */
      readonly bytes: Uint8Array;
      /** Why the file deserves a warning: `is open to other users (mode 0644)`. */
      readonly exposure: string | null;
    }
  | {
      /** To follow the path in a message: `is a directory`. */
      readonly refusal: string;
    };

/** Reads a secret's file: a regular one of at most 1 MiB that not every user of the machine can change. */
export async function readSecretFile(path: string): Promise<SecretFile> {
  try {
    const handle = await open(path, OPEN_FLAGS);
    try {
      return await readFrom(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined && !isBadPath(error)) throw error;
    return { refusal: UNREADABLE[code ?? ""] ?? `cannot be read${code === undefined ? "" : ` (${code})`}` };
  }
}

async function readFrom(handle: FileHandle): Promise<SecretFile> {
  const stats = await handle.stat();
  const refusal = refusalOf(stats);
  if (refusal !== null) return { refusal };
  const bytes = await readTrimmed(handle);
  if (bytes === null) return { refusal: `is larger than ${MAX_FILE_BYTES} bytes` };
  if (bytes.length === 0) return { refusal: "is empty" };
  if (!isUtf8(bytes)) return { refusal: "does not hold UTF-8 text" };
  return { bytes, exposure: exposureOf(stats) };
}

function refusalOf(stats: Stats): string | null {
  if (stats.isDirectory()) return "is a directory";
  if (!stats.isFile()) return "is not a regular file";
  if (!hasModes() || (stats.mode & WORLD_WRITABLE) === 0) return null;
  return `can be changed by every user of this machine (mode ${modeOf(stats)})`;
}

async function readTrimmed(handle: FileHandle): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
  try {
    const length = await fill(buffer, handle);
    return length > MAX_FILE_BYTES ? null : trimSecret(buffer.subarray(0, length)).slice();
  } finally {
    buffer.fill(0);
  }
}

async function fill(buffer: Uint8Array, handle: FileHandle): Promise<number> {
  for (let length = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return length;
  }
}

/** A view without trailing `[ \t\r\n]+`, which editors and `echo` leave behind. */
export function trimSecret(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => !TRAILING.includes(byte)) + 1);
}

function exposureOf(stats: Stats): string | null {
  if (!hasModes()) return null;
  const faults = [];
  if ((stats.mode & GROUP_OR_WORLD) !== 0) faults.push(`is open to other users (mode ${modeOf(stats)})`);
  // Root may change any file anyway.
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) faults.push(`belongs to another user (uid ${stats.uid})`);
  return faults.length === 0 ? null : faults.join(" and ");
}

/** Windows reports the same mode for every file. */
function hasModes(): boolean {
  return process.platform !== "win32";
}

function modeOf({ mode }: Stats): string {
  return `0${(mode & 0o777).toString(8)}`;
}

/** A path with a NUL in it is refused before any system call. */
function isBadPath(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INVALID_ARG_VALUE";
}
