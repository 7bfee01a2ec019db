import { writeSync } from "node:fs";
import { isStdoutClosed } from "./closed-stdout.ts";
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
