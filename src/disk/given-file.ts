import { constants, createReadStream, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { Secret } from "../crypto/secret.ts";
import { InputError } from "../errors.ts";
import { MAX_BUNDLE_BYTES } from "../vault/format/limits.ts";
import { codeOf } from "./posix.ts";

/** A file that a flag names. */
export interface GivenFile {
  readonly path: string;
  /** What messages call it. Default: its path, which in the wrong place may be a secret. */
  readonly label?: string;
  /** `--from`; with `=-` it takes stdin. */
  readonly flag: string;
  /** What to do where the file cannot be read. */
  readonly hint: string;
}

/** All of a file, or of what `<(command)` and `/dev/…` give. @throws InputError it cannot be read, or is larger than a vault */
export async function readGivenFile({ path, label = path, flag, hint }: GivenFile): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    if (isNamedPipe(path, stats)) {
      throw new InputError(`${label} is a named pipe`, { hint: `pipe it in with ${flag}=-` });
    }
    if (stats.size > MAX_BUNDLE_BYTES) throw tooLarge(label, String(stats.size));
    const bytes = await readAtMost(path, MAX_BUNDLE_BYTES);
    if (bytes.length > MAX_BUNDLE_BYTES) throw tooLarge(label, `more than ${MAX_BUNDLE_BYTES}`);
    return bytes;
  } catch (error) {
    throw unreadable(label, error, hint);
  }
}

/** A regular file with its mode. @throws InputError it is none, is larger than a vault, or cannot be read */
export async function readRegularFile(path: string, hint: string): Promise<{ mode: number; data: Secret }> {
  try {
    // O_NONBLOCK: opening a named pipe would wait for its other end. Windows has no such flag.
    await using handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await handle.stat();
    if (!stats.isFile()) throw new InputError(`${path} is not a regular file`, { hint });
    if (stats.size > MAX_BUNDLE_BYTES) throw tooLarge(path, String(stats.size));
    return { mode: stats.mode & 0o777, data: Secret.ofBytes(await handle.readFile()) };
  } catch (error) {
    throw unreadable(path, error, hint);
  }
}

function tooLarge(label: string, bytes: string): InputError {
  return new InputError(`${label} has ${bytes} bytes: a vault holds ${MAX_BUNDLE_BYTES} in all`, {
    hint: "keep it elsewhere, and its location and key here",
  });
}

function unreadable(label: string, error: unknown, hint: string): unknown {
  if (error instanceof InputError || !(error instanceof Error && "code" in error)) return error;
  const why = error.code === "ENOENT" ? "is not there" : `cannot be read (${codeOf(error)})`;
  return new InputError(`${label} ${why}`, { hint });
}

/** Opening one waits for its other end, and neither a signal nor an exit interrupts that. `<(command)` has its end. */
function isNamedPipe(path: string, stats: Stats): boolean {
  return stats.isFIFO() && !/^\/(dev|proc)\//.test(path);
}

/** The first bytes of a file, one more than `maxBytes` where it has more: a device such as `/dev/zero` has no end. */
function readAtMost(path: string, maxBytes: number): Promise<Uint8Array> {
  return buffer(createReadStream(path, { end: maxBytes }));
}

/** Without one line end at the end, which editors and `echo` leave behind. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
