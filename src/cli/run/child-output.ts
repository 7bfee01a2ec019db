import { type ChildProcess, execFile, type StdioOptions } from "node:child_process";
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import type { Item } from "../../vault/format/item.ts";
import type { Output } from "../terminal/output.ts";

/** The masking code is loaded only where it is asked for, so that other programs start without it. */
export async function runOutput(
  { redact }: { readonly redact: boolean },
  items: readonly Item[],
  output: Output,
): Promise<ChildOutput> {
  if (!redact) return SHARED_OUTPUT;
  const { maskedOutput } = await import("./redaction.ts");
  return maskedOutput(items, output);
}

/** Where a program's stdout and stderr lead. */
export interface ChildOutput {
  readonly stdio: StdioOptions;
  /** Called once the program has been started; resolves when all that it prints has been passed on. */
  passOn(child: ChildProcess): Promise<void>;
}

/** To where this process's own lead, with nothing in between. */
export const SHARED_OUTPUT: ChildOutput = { stdio: "inherit", async passOn() {} };

/** Passes a stream on, perhaps not as it is; resolves where it ends, or where its reader has gone. */
type PassOn = (from: Readable, to: Writable) => Promise<void>;

/** The output of a program, by way of `passOn`. */
export async function pipedOutput(passOn: PassOn): Promise<ChildOutput> {
  const pipes = await openOsPipes(2);
  const [stdout, stderr] = pipes ?? [];
  return stdout === undefined || stderr === undefined ? throughSockets(passOn) : throughPipes(passOn, stdout, stderr);
}

function throughPipes(passOn: PassOn, stdout: OsPipe, stderr: OsPipe): ChildOutput {
  return {
    stdio: ["inherit", stdout.writeFd, stderr.writeFd],
    async passOn() {
      // The program alone holds them from here on: they end when it does.
      for (const { writeFd } of [stdout, stderr]) closeSync(writeFd);
      await Promise.all([passOn(stdout.readEnd, process.stdout), passOn(stderr.readEnd, process.stderr)]);
    },
  };
}

function throughSockets(passOn: PassOn): ChildOutput {
  return {
    stdio: ["inherit", "pipe", "pipe"],
    async passOn({ stdout, stderr }) {
      if (stdout === null || stderr === null) return;
      await Promise.all([passOn(stdout, process.stdout), passOn(stderr, process.stderr)]);
    },
  };
}

/** A pipe as a shell makes it. */
export interface OsPipe {
  readonly readEnd: Readable;
  /** For a child's stdout or stderr; to be closed here once the child has it. */
  readonly writeFd: number;
}

/**
 * `count` pipes, or null where this system does not make them. Node.js itself gives a child socket pairs: those cannot be
 * opened again as `/dev/stdout`, and when their reader has gone the child gets a reset instead of SIGPIPE.
 */
async function openOsPipes(count: number): Promise<readonly OsPipe[] | null> {
  try {
    const folder = mkdtempSync(join(tmpdir(), "vsync-"));
    return await makePipes(folder, count).finally(() => rmSync(folder, { recursive: true, force: true }));
  } catch {
    return null;
  }
}

async function makePipes(folder: string, count: number): Promise<readonly OsPipe[]> {
  const paths = Array.from({ length: count }, (_, at) => join(folder, String(at)));
  await promisify(execFile)("mkfifo", ["-m", "600", ...paths]);
  return paths.map(openFifo);
}

/** Opening one end waits for the other, unless it is opened as both first. */
function openFifo(path: string): OsPipe {
  const both = openSync(path, constants.O_RDWR);
  const readFd = openSync(path, constants.O_RDONLY);
  const writeFd = openSync(path, constants.O_WRONLY);
  closeSync(both);
  return { readEnd: createReadStream("", { fd: readFd }), writeFd };
}
