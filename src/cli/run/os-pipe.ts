import { execFile } from "node:child_process";
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

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
export async function openOsPipes(count: number): Promise<readonly OsPipe[] | null> {
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
