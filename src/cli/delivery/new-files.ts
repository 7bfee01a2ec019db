import { unlinkSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../disk/folders.ts";
import { codeOf } from "../../disk/posix.ts";
import { createPrivateFile } from "../../disk/private-file.ts";
import { temporaryFor } from "../../disk/temporary.ts";
import { InputError } from "../../errors.ts";
import type { Output } from "../terminal/output.ts";
import type { HandOver } from "./hand-over.ts";

/**
 * Whether the file is there already. If not, checks that it can be made.
 *
 * @throws InputError it cannot be made, is `-`, or something other than a file is there
 */
export async function isTaken(path: string, what: "passphrase" | "token"): Promise<boolean> {
  if (path === "-")
    throw new InputError("--out must name a file", { hint: `without --out the ${what} goes to stdout` });
  const stats = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    throw unwritable(path, error);
  });
  if (stats === null) await refuseUnwritable(path);
  else if (!stats.isFile())
    throw new InputError(`${path} exists already, and is not a file`, { hint: "name a new file with --out=<file>" });
  return stats !== null;
}

/** Creates and removes a file there, because modes, quotas and read-only mounts may all prevent it. */
async function refuseUnwritable(path: string): Promise<void> {
  try {
    const probe = await temporaryFor(path);
    await createPrivateFile(probe, "");
    await unlink(probe);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${codeOf(error)}`, {
    hint: "name a file in a folder where you can write, on a disk that survives a restart",
  });
}

export interface FileWords {
  /** The error if the file exists. */
  readonly taken: (path: string) => InputError;
  /** Why a file stays if the outcome is unknown: `the token in it may be live`. */
  readonly live: string;
  /** Why it does not stay otherwise: `the token in it does not exist`. */
  readonly dead: string;
}

/** Files of mode 0600, on the disk before the vault changes. Only a commit that certainly failed removes them. */
export abstract class NewFiles<Content> implements HandOver<Content> {
  readonly #words: FileWords;
  readonly #output: Output;
  readonly #written = new Set<string>();

  constructor(words: FileWords, output: Output) {
    this.#words = words;
    this.#output = output;
  }

  abstract prepare(content: Content): Promise<void>;

  protected async write(path: string, content: Uint8Array | string): Promise<void> {
    try {
      await createPrivateFile(path, content);
    } catch (error) {
      throw codeOf(error) === "EEXIST" ? this.#words.taken(path) : unwritable(path, error);
    }
    this.#written.add(path);
    await syncFolder(dirname(path)).catch(() => undefined);
  }

  /** Removes what an earlier try has written. */
  protected async discard(): Promise<void> {
    for (const path of this.#written) {
      await unlink(path);
      this.#written.delete(path);
    }
  }

  complete(): void {}

  confirm(): void {}

  fail(mayBeLive: boolean): void {
    for (const path of this.#written) {
      if (mayBeLive) this.#output.warn(`${path} stays: ${this.#words.live}`);
      else this.#remove(path);
    }
  }

  #remove(path: string): void {
    try {
      unlinkSync(path);
      this.#output.say(`${path} is removed: ${this.#words.dead}`);
    } catch (error) {
      this.#output.warn(`${path} could not be removed (${codeOf(error)}): ${this.#words.dead}`);
    }
  }
}
