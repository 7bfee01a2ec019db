import { type ChildProcess, execFile } from "node:child_process";
import { closeSync, constants, createReadStream, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import type { Item } from "../../../vault/format/item.ts";
import type { Output } from "../../terminal/output.ts";
import { STDERR, STDOUT } from "../../terminal/standard-streams.ts";

/** The targets of a program's stdout and stderr. */
export interface ChildOutput {
  /** The option of `spawn`: stdout, then stderr. */
  readonly stdio: readonly ("inherit" | "pipe" | number)[];
  /** Called after the program has started; resolves when all its output has been passed on. */
  passOn(child: Pick<ChildProcess, "stdout" | "stderr">): Promise<void>;
}

/** The program writes directly to our own stdout and stderr. */
const SHARED_OUTPUT: ChildOutput = { stdio: ["inherit", "inherit"], async passOn() {} };

export async function runOutput(
  { redact, show }: { readonly redact: boolean; readonly show?: readonly string[] | undefined },
  items: readonly Item[],
  output: Output,
): Promise<ChildOutput> {
  if (!redact) return SHARED_OUTPUT;
  // Loaded on demand, so programs without --redact start faster.
  const { maskedOutput } = await import("./redaction.ts");
  return maskedOutput(items, show, output);
}

/** Passes a stream on, perhaps altered. Resolves when it ends or its reader is gone. */
type PassOn = (from: Readable, to: Writable) => Promise<void>;

/**
 * Sends a program's output through `passOn`. If stdout and stderr go to one place, as with `2>&1`, they share one pipe,
 * which keeps their order.
 */
export async function pipedOutput(passOn: PassOn): Promise<ChildOutput> {
  const pipes = await openOsPipes(goToOnePlace() ? 1 : 2);
  return pipes === null ? throughSockets(passOn) : throughPipes(passOn, pipes);
}

function goToOnePlace(): boolean {
  try {
    const [stdout, stderr] = [fstatSync(1, { bigint: true }), fstatSync(2, { bigint: true })];
    return stdout.dev === stderr.dev && stdout.ino === stderr.ino;
  } catch {
    // One of them is closed.
    return false;
  }
}

function throughPipes(passOn: PassOn, pipes: readonly OsPipe[]): ChildOutput {
  const [stdout, stderr = stdout] = pipes.map(({ writeFd }) => writeFd);
  return {
    stdio: [stdout ?? "pipe", stderr ?? "pipe"],
    async passOn() {
      // From here on only the program has the write ends, so the pipes end when it does.
      for (const { writeFd } of pipes) closeSync(writeFd);
      await Promise.all(pipes.map(({ readEnd }, at) => passOn(readEnd, ours(at === 0 ? 1 : 2))));
    },
  };
}

function throughSockets(passOn: PassOn): ChildOutput {
  return {
    stdio: ["pipe", "pipe"],
    async passOn({ stdout, stderr }) {
      if (stdout === null || stderr === null) return;
      await Promise.all([passOn(stdout, ours(1)), passOn(stderr, ours(2))]);
    },
  };
}

/** Our own stdout or stderr. If a file takes only a part of a write, the stream of Node.js loses the rest in silence. */
function ours(descriptor: 1 | 2): Writable {
  if (!fstatSync(descriptor).isFile()) return descriptor === 1 ? process.stdout : process.stderr;
  const sink = descriptor === 1 ? STDOUT : STDERR;
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      try {
        sink.write(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

/** A pipe like those that a shell makes. */
interface OsPipe {
  readonly readEnd: Readable;
  /** For a child's stdout or stderr. Close it here once the child has it. */
  readonly writeFd: number;
}

/**
 * `count` pipes, or null if this system cannot make them. Node.js would give a child socket pairs, which cannot be
 * opened as `/dev/stdout` and which give the child a reset instead of SIGPIPE when their reader is gone.
 */
async function openOsPipes(count: number): Promise<readonly OsPipe[] | null> {
  try {
    const folder = mkdtempSync(join(tmpdir(), "vsync-"));
    return await makePipes(folder, count).finally(() => rmSync(folder, { recursive: true, force: true }));
  } catch {
    return null;
  }
}

/**
 * An absolute path and no environment: PATH may lead to somebody else's program, and our variables contain the
 * passphrase.
 */
const MKFIFO = "/usr/bin/mkfifo";

async function makePipes(folder: string, count: number): Promise<readonly OsPipe[]> {
  const paths = Array.from({ length: count }, (_, at) => join(folder, String(at)));
  await promisify(execFile)(MKFIFO, ["-m", "600", ...paths], { env: {} });
  return paths.map(openFifo);
}

/** Opening one end waits for the other, so open both at once first. */
function openFifo(path: string): OsPipe {
  const both = openSync(path, constants.O_RDWR);
  const readFd = openSync(path, constants.O_RDONLY);
  const writeFd = openSync(path, constants.O_WRONLY);
  closeSync(both);
  return { readEnd: createReadStream("", { fd: readFd }), writeFd };
}
