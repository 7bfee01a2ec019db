import { fstatSync, readFileSync, readlinkSync, statfsSync, statSync, writeSync } from "node:fs";
import type { Sink } from "./output.ts";

/** Whether a descriptor leads to a terminal. node:tty brings all of the stream modules, and few commands need to know. */
export function isTerminal(descriptor: 0 | 1 | 2): boolean {
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

const RETRY_MS = 5;

/**
 * stdout or stderr, by its number. What is written is out when `write` returns, whatever it leads to, so that nothing is
 * lost when the process ends; and no stream object has to be made, which would take a third of a short command's time.
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

  /** A reader that has seen enough (`| head -1`) is no failure. @throws Error stdout cannot be written */
  write(chunk: string | Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.deliver(chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPIPE") return;
      process.exitCode = 1;
      // There is no place left to say it.
      if (this.#descriptor === 1) throw error;
    }
  }

  deliver(chunk: string | Uint8Array): void {
    try {
      this.#begin();
      writeAll(this.#descriptor, typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    } catch (error) {
      this.#isClosed = true;
      throw error;
    }
  }

  #begin(): void {
    if (this.#isBegun || this.#descriptor !== 1) return;
    this.#isBegun = true;
    if (isStdoutClosed()) throw Object.assign(new Error("stdout is closed"), { code: "EBADF", syscall: "write" });
  }
}

export const STDOUT: Sink = new StandardStream(1);
export const STDERR: Sink = new StandardStream(2);

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // Another program has made the terminal or pipe that it shares with us non-blocking, and its reader is slow.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

const NOWHERE = "/dev/null";
const SHELLS = new Set(["ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "sh", "zsh"]);

/**
 * Whether the program was started without a stdout (`>&-`). Node.js and bun then open /dev/null in its place, for reading and
 * writing, before anything of ours runs. So do programs that start us and want no output, but a shell does not: if it is one
 * that started us, and its own stdout leads elsewhere, there was none. Where that cannot be told (no procfs), false.
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

/** Whether what is written to stdout goes to /dev/null. @throws Error there is no stdout */
function leadsNowhere(): boolean {
  const stats = fstatSync(1);
  return stats.isCharacterDevice() && process.platform !== "win32" && stats.rdev === statSync(NOWHERE).rdev;
}

/** Null where the shell has none, either. */
function targetOf(descriptor: string): string | null {
  try {
    return readlinkSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Why what is written to stdout would be lost, as far as that shows without writing anything; null: nothing shows. */
export function stdoutFault(): string | null {
  try {
    if (leadsNowhere()) return isStdoutClosed() ? "is closed" : `leads to ${NOWHERE}`;
    // nothing is written, yet a device may say that it would take nothing (/dev/full)
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
