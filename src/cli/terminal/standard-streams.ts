import { fstatSync, readFileSync, readlinkSync, statfsSync, statSync, writeSync } from "node:fs";
import { codeOf } from "../../disk/posix.ts";
import type { Sink } from "./output.ts";

/** Loads node:tty on demand, because it loads all stream modules and few commands need it. */
export function isTerminal(descriptor: 0 | 1 | 2): boolean {
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

const RETRY_MS = 5;

/** stdout or stderr cannot be written. A file that cannot be written is another matter. */
export class OutputFault extends Error {
  /** `ENOSPC` and the like. */
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/**
 * stdout or stderr by its number. It writes synchronously, so nothing is lost when the process ends. A stream object
 * would take a third of a short command's time.
 */
class StandardStream implements Sink {
  readonly #descriptor: 1 | 2;
  #isClosed = false;
  #isBegun = false;

  constructor(descriptor: 1 | 2) {
    this.#descriptor = descriptor;
  }

  get isTTY(): boolean {
    return isTerminal(this.#descriptor);
  }

  get columns(): number | undefined {
    return (this.#descriptor === 1 ? process.stdout : process.stderr).columns;
  }

  /**
   * Ignores that the reader is gone (`| head -1`).
   *
   * @throws OutputFault stdout cannot be written
   */
  write(chunk: string | Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.deliver(chunk);
    } catch (error) {
      if (codeOf(error) === "EPIPE") return;
      process.exitCode = 1;
      // If stderr itself fails, nobody can be told.
      if (this.#descriptor === 1) throw error;
    }
  }

  deliver(chunk: string | Uint8Array): void {
    try {
      this.#begin();
      writeAll(this.#descriptor, typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    } catch (error) {
      this.#isClosed = true;
      throw new OutputFault(codeOf(error));
    }
  }

  #begin(): void {
    if (this.#isBegun || this.#descriptor !== 1) return;
    this.#isBegun = true;
    if (isStdoutClosed()) throw new OutputFault("EBADF");
  }
}

export const STDOUT: Sink = new StandardStream(1);
export const STDERR: Sink = new StandardStream(2);

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // Another program with the same pipe has made it non-blocking, and the reader is slow.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

const NOWHERE = "/dev/null";
export const SHELLS: ReadonlySet<string> = new Set([
  "ash",
  "bash",
  "busybox",
  "dash",
  "fish",
  "ksh",
  "mksh",
  "sh",
  "zsh",
]);

/**
 * Whether the program was started without a stdout (`>&-`). Before our code runs, Node.js and Bun then open /dev/null
 * for reading and writing in its place. A parent that wants no output does the same, but a shell does not: if a shell
 * started us and its own stdout leads elsewhere, ours was closed. Without procfs this is unknown, and the answer is
 * false.
 */
function isStdoutClosed(): boolean {
  try {
    // proc(5): the last octal digit is the access mode, and 2 is O_RDWR
    if (!leadsNowhere() || !/^flags:\s*\d*2$/m.test(readFileSync("/proc/self/fdinfo/1", "utf8"))) return false;
    const parent = `/proc/${process.ppid}`;
    return SHELLS.has(readFileSync(`${parent}/comm`, "utf8").trim()) && targetOf(`${parent}/fd/1`) !== NOWHERE;
  } catch {
    return false;
  }
}

/**
 * Whether stdout is /dev/null.
 *
 * @throws Error stdout is closed
 */
function leadsNowhere(): boolean {
  const stats = fstatSync(1);
  return stats.isCharacterDevice() && process.platform !== "win32" && stats.rdev === statSync(NOWHERE).rdev;
}

/** Null if the shell has no stdout either. */
function targetOf(descriptor: string): string | null {
  try {
    return readlinkSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Why output would be lost, as far as that shows without writing anything; null if nothing is wrong. */
export function stdoutFault(): string | null {
  try {
    if (leadsNowhere()) return isStdoutClosed() ? "is closed" : `leads to ${NOWHERE}`;
    // An empty write makes a device like /dev/full report its fault.
    writeSync(1, new Uint8Array());
    return isOnFullDisk() ? "is on a full disk" : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EBADF" ? "is closed" : `cannot be written (${code})`;
  }
}

function isOnFullDisk(): boolean {
  if (process.platform !== "linux" || !fstatSync(1).isFile()) return false;
  const { blocks, bavail } = statfsSync("/proc/self/fd/1");
  return blocks > 0 && bavail === 0;
}
