import { dirname } from "node:path";
import { lookAt, notAFile } from "../../disk/files-below.ts";
import { makeFolder } from "../../disk/folders.ts";
import { codeOf } from "../../disk/posix.ts";
import { writePrivateFile } from "../../disk/private-file.ts";
import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import type { OpenedVault } from "../../vault/open/open.ts";
import { MAX_VARIABLE_BYTES, variableBytes } from "../run/environment.ts";
import type { Output } from "../terminal/output.ts";

/** Runs before the vault is opened, because it needs nothing from it. */
export function checkDestination(out: string | undefined): void {
  if (out === "-" || out === "")
    throw new InputError("--out must name a file", { hint: "without --out the result goes to stdout" });
}

export interface Exported {
  readonly text: string;
  readonly count: number;
  /** The file to write; undefined means stdout. */
  readonly out: string | undefined;
}

/**
 * Writes the file atomically with mode 0600, or prints the text.
 *
 * @throws InputError the file cannot be written
 */
export async function deliverExport(
  { text, count, out }: Exported,
  { manifest }: OpenedVault,
  output: Output,
): Promise<void> {
  if (out === undefined) return print(text, output);
  await writeFile(out, text);
  output.done(`Wrote ${count} of ${manifest.env}'s names (gen=${manifest.gen}) to ${out}, readable only by you`);
}

/** A shell that has exported such a variable can no longer start any program. */
export function warnOfLongVariables(items: readonly Item[], format: string, output: Output): void {
  if (format !== "shell") return;
  for (const { name, data } of items) {
    if (variableBytes(name, data.exposeText()) <= MAX_VARIABLE_BYTES) continue;
    output.warn(
      `${name} is longer than ${MAX_VARIABLE_BYTES} bytes: a Linux shell that exports it can no longer start a program`,
    );
  }
}

function print(text: string, output: Output): void {
  output.raw(text);
  if (process.stdout.isTTY) {
    output.warn(
      "these values are now on your screen and in its scrollback: --out=<file> writes a file of mode 0600 instead",
    );
  }
}

async function writeFile(path: string, text: string): Promise<void> {
  try {
    const stats = await lookAt(path);
    if (stats !== null && !stats.isFile()) throw notAFile(path, stats, ELSEWHERE);
    await makeFolder(dirname(path));
    await writePrivateFile(path, text);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new InputError(`cannot write ${path}: ${codeOf(error)}`, {
      hint: "check the folder's owner, mode and free space, or name another with --out=<file>",
    });
  }
}

const ELSEWHERE = "name another file with --out=<file>, or redirect stdout";
