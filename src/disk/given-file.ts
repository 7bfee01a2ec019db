import { isUtf8 } from "node:buffer";
import { constants, createReadStream, type Stats } from "node:fs";
import { access, type FileHandle, stat } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { InputError } from "../errors.ts";
import { reasonOf } from "./faults.ts";
import { open } from "./open.ts";
import { belongsToAnother, codeOf, errnoOf, hasErrno, hasModes, modeText } from "./posix.ts";

/**
 * Reads the files that users name. Links are followed, because Kubernetes mounts secrets through links. O_NONBLOCK,
 * because opening a named pipe would wait for its other end, and neither a signal nor an exit interrupts that. Windows
 * has no such flag.
 */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const IS_DESCRIPTOR = /^\/(dev|proc)\//;

/** A file named by a flag. */
export interface GivenFile {
  readonly path: string;
  /** The file's name in messages. Default: its path, which may be a misplaced secret. */
  readonly label?: string;
  /** Such as `--from`, for which `--from=-` reads stdin. */
  readonly flag: string;
  /** What to do if the file cannot be read. */
  readonly hint: string;
}

/**
 * Reads a whole file, or the output of `<(command)` or a device.
 *
 * @throws InputError it cannot be read, or is longer than `maxBytes`
 */
export async function readGivenFile(
  { path, label = path, flag, hint }: GivenFile,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    // The pipe of `<(command)` already has a writer.
    if (stats.isFIFO() && !IS_DESCRIPTOR.test(path)) {
      throw new InputError(`${label} is a named pipe`, { hint: `pipe it in with ${flag}=-` });
    }
    if (stats.size > maxBytes) throw tooLarge(label, String(stats.size), maxBytes);
    // Opened first, because Bun's stream would resolve a relative path against the working folder's name, which may not
    // be UTF-8.
    await using handle = await open(path);
    // Reads at most one byte more than `maxBytes`, because a device such as /dev/zero never ends.
    const bytes = await buffer(createReadStream("", { fd: handle.fd, autoClose: false, end: maxBytes }));
    if (bytes.length > maxBytes) throw tooLarge(label, `more than ${maxBytes}`, maxBytes);
    return bytes;
  } catch (error) {
    throw unreadable(label, error, hint);
  }
}

/**
 * Reads a regular file with its mode.
 *
 * @throws InputError it is not one, is longer than `maxBytes`, or cannot be read
 */
export async function readRegularFile(
  path: string,
  maxBytes: number,
  hint: string,
): Promise<{ readonly mode: number; readonly bytes: Uint8Array }> {
  try {
    await using handle = await open(path, READ);
    const stats = await handle.stat();
    const refusal = kindFault(stats);
    if (refusal !== null) throw new InputError(`${path} ${refusal}`, { hint });
    if (stats.size > maxBytes) throw tooLarge(path, String(stats.size), maxBytes);
    return { mode: stats.mode & 0o777, bytes: await handle.readFile() };
  } catch (error) {
    throw unreadable(path, error, hint);
  }
}

function tooLarge(label: string, bytes: string, maxBytes: number): InputError {
  return new InputError(`${label} has ${bytes} bytes: a vault holds ${maxBytes} in all`, {
    hint: "keep it elsewhere, and its location and key here",
  });
}

function unreadable(label: string, error: unknown, hint: string): unknown {
  if (error instanceof InputError || !(error instanceof Error && "code" in error)) return error;
  const why = error.code === "ENOENT" ? "does not exist" : `cannot be read: ${reasonOf(codeOf(error))}`;
  return new InputError(`${label} ${why}`, { hint });
}

/** Drops one line end, which editors and `echo` add. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

const MAX_SECRET_BYTES = 1024 * 1024;
const WRITABLE_BY_ALL = 0o002;
const GROUP_OR_WORLD = 0o077;
/** Space, tab, CR, LF. */
const TRAILING = [0x20, 0x09, 0x0d, 0x0a];

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "may not be read by this process",
  EPERM: "may not be read by this process",
  ELOOP: "is a loop of symbolic links",
  ENXIO: "is not a regular file",
  ENAMETOOLONG: "is too long for a path",
};

/** The content of a file with a secret, or why vsync refuses it. */
export type SecretFile =
  | {
      /** UTF-8, at least one byte, without trailing spaces, tabs and line ends. */
      readonly bytes: Uint8Array;
      /** Why the file deserves a warning, such as `is open to other users (mode 0644)`, or null. */
      readonly exposure: string | null;
    }
  | {
      /** Follows the path in a message, such as `is a directory`. */
      readonly refusal: string;
    };

/**
 * Reads a secret's file: a regular file of at most 1 MiB that is not writable by every user of the machine.
 *
 * @param options `mayBePipe` waits for a named pipe or `<(command)`; set it only for paths that a person gave
 */
export async function readSecretFile(path: string, { mayBePipe = false } = {}): Promise<SecretFile> {
  try {
    await using handle = await open(path, READ);
    // The pipe of `<(command)` already had a writer before we opened it.
    return await readSecret(handle, { path, mayBePipe, hasWriter: IS_DESCRIPTOR.test(path) });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined && !isBadPath(error)) throw error;
    return { refusal: UNREADABLE[code ?? ""] ?? `cannot be read${code === undefined ? "" : ` (${code})`}` };
  }
}

interface SecretOptions {
  readonly path: string;
  readonly mayBePipe: boolean;
  readonly hasWriter: boolean;
}

async function readSecret(handle: FileHandle, { path, mayBePipe, hasWriter }: SecretOptions): Promise<SecretFile> {
  const stats = await handle.stat();
  const refusal = refusalOf(stats, mayBePipe);
  if (refusal !== null) return { refusal };
  const bytes = await readTrimmed(stats.isFIFO() ? pipeReader(handle, hasWriter) : handle);
  if (bytes === null) return { refusal: `is larger than ${MAX_SECRET_BYTES} bytes` };
  if (bytes.length === 0) return { refusal: "is empty" };
  if (!isUtf8(bytes)) return { refusal: "does not hold UTF-8 text" };
  return { bytes, exposure: await exposureOf(stats, path) };
}

function kindFault(stats: Stats, mayBePipe = false): string | null {
  if (stats.isDirectory()) return "is a directory";
  return stats.isFile() || (mayBePipe && stats.isFIFO()) ? null : "is not a regular file";
}

function refusalOf(stats: Stats, mayBePipe: boolean): string | null {
  const fault = kindFault(stats, mayBePipe);
  if (fault !== null) return fault;
  if (!hasModes() || (stats.mode & WRITABLE_BY_ALL) === 0) return null;
  return `can be changed by every user of this machine (mode ${modeText(stats.mode & 0o777)})`;
}

type Reader = Pick<FileHandle, "read">;

const PIPE_PAUSE_MS = 20;
/** As long as a person may need to unlock a password manager. */
const PIPE_PAUSES = 6_000;

/**
 * Reads a pipe that was opened in non-blocking mode. Before it has a writer, a read reports its end; with a silent
 * writer, a read fails with EAGAIN.
 */
function pipeReader(handle: FileHandle, hasWriter: boolean): Reader {
  let isOpen = hasWriter;
  const read = async (...args: Parameters<FileHandle["read"]>) => {
    for (let pauses = 0; ; pauses++) {
      const got = await handle.read(...args).catch((error: unknown) => {
        if (errnoOf(error) !== "EAGAIN") throw error;
        isOpen = true;
        return null;
      });
      if (got !== null && (got.bytesRead > 0 || isOpen)) {
        isOpen = true;
        return got;
      }
      if (pauses === PIPE_PAUSES) return { bytesRead: 0, buffer: new Uint8Array() };
      await setTimeout(PIPE_PAUSE_MS);
    }
  };
  return { read };
}

async function readTrimmed(handle: Reader): Promise<Uint8Array | null> {
  const read = new Uint8Array(MAX_SECRET_BYTES + 1);
  try {
    const length = await fill(read, handle);
    return length > MAX_SECRET_BYTES ? null : trimSecret(read.subarray(0, length)).slice();
  } finally {
    read.fill(0);
  }
}

async function fill(target: Uint8Array, handle: Reader): Promise<number> {
  for (let length = 0; ; ) {
    const { bytesRead } = await handle.read(target, length, target.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === target.length) return length;
  }
}

/** A view without trailing `[ \t\r\n]+`, which editors and `echo` add. */
export function trimSecret(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => !TRAILING.includes(byte)) + 1);
}

/**
 * Platforms mount secrets as root's or read-only, with modes that this process cannot change. It does not warn of
 * those.
 */
async function exposureOf(stats: Stats, path: string): Promise<string | null> {
  if (!hasModes()) return null;
  const faults = [];
  const isOpen = (stats.mode & GROUP_OR_WORLD) !== 0;
  if (isOpen && mayChangeMode(stats) && !(await isMountedReadOnly(path)))
    faults.push(`is open to other users (mode ${modeText(stats.mode & 0o777)})`);
  if (belongsToAnother(stats)) faults.push(`belongs to another user (uid ${stats.uid})`);
  return faults.length === 0 ? null : faults.join(" and ");
}

function mayChangeMode({ uid }: Stats): boolean {
  const own = process.geteuid?.();
  return own === 0 || own === uid;
}

async function isMountedReadOnly(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => false,
    (error) => hasErrno(error, "EROFS"),
  );
}

/** Node.js refuses a path with a NUL before any system call. */
function isBadPath(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INVALID_ARG_VALUE";
}
