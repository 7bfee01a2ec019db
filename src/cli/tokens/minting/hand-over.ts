import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../../disk/folders.ts";
import { codeOf } from "../../../disk/posix.ts";
import { createPrivateFile } from "../../../disk/private-file.ts";
import {
  ConflictError,
  InputError,
  ManifestSwapFailedError,
  OutcomeUnknownError,
  TokenUndeliveredError,
} from "../../../errors.ts";
import type { Committed, Proposal } from "../../../vault/commit/proposal.ts";
import type { Manifest } from "../../../vault/format/manifest.ts";
import type { Output } from "../../terminal/output.ts";
import { stdoutFault } from "../../terminal/standard-streams.ts";

/**
 * How new credentials reach their holders. vsync cannot print a credential again, and it reads the vault as soon as it
 * is committed.
 */
export interface HandOver {
  /**
   * Called before each swap, with the manifest that it writes.
   *
   * @throws InputError the credentials cannot be delivered
   */
  prepare(manifest: Manifest): Promise<void>;
  /** Called once the vault knows the tokens. Never throws, because the audit row is still to be written. */
  complete(): void;
  /**
   * Called after a commit that stands.
   *
   * @throws TokenUndeliveredError the credentials were not delivered
   */
  confirm(): void;
  /**
   * Called if the commit failed, or (`mayBeLive`) if its outcome is unknown. Synchronous, because a signal may be
   * ending the process.
   */
  fail(mayBeLive: boolean): void;
}

/**
 * Commits and delivers. However it ends, a credential that may be live is delivered.
 *
 * @param tell the command that shows whether a commit whose response was lost succeeded
 * @returns null if another commit left nothing to do
 * @throws what `commit` and `prepare` throw
 */
export async function commitAndHandOver(
  proposal: Proposal<unknown>,
  handOver: HandOver,
  tell: string,
): Promise<Committed | null> {
  let state: "unsent" | "sent" | "complete" = "unsent";
  let committed: Committed | null = null;
  const complete = (): void => {
    if (state !== "complete") handOver.complete();
    state = "complete";
  };
  const fail = (mayBeLive: boolean): void => {
    if (state !== "complete") handOver.fail(mayBeLive && state === "sent");
  };
  const failAtExit = (): void => fail(true);
  process.once("exit", failAtExit);
  try {
    for await (const step of proposal.steps()) {
      if (step.kind === "bundle-created") {
        await handOver.prepare(step.manifest);
        state = "sent";
      } else if (step.kind !== "ready") complete();
      if (step.kind === "done") ({ committed } = step);
    }
    if (committed === null) fail(false);
  } catch (error) {
    fail(!(error instanceof ConflictError || error instanceof ManifestSwapFailedError));
    throw error instanceof OutcomeUnknownError
      ? new OutcomeUnknownError(error.message, { hint: `once the store answers again: ${tell}` })
      : error;
  } finally {
    process.removeListener("exit", failAtExit);
  }
  return committed;
}

/**
 * Fails early if a token could not be delivered.
 *
 * @throws InputError stdout leads nowhere, or the file exists
 */
export async function requireDeliverable(out: string | undefined): Promise<void> {
  if (out !== undefined) return requireNew(out);
  const fault = stdoutFault();
  if (fault === null) return;
  throw new InputError(`the new token would be lost: stdout ${fault}`, {
    hint: "name a file for it with --out=<file>, or connect stdout to its recipient",
  });
}

/** Makes the string or JSON to deliver, once the manifest with the token exists. */
export type Delivered = (manifest: Manifest) => string;

/**
 * Prints the text once, after the swap.
 *
 * @param again the command that makes another credential, if this one was lost
 */
export function handOverOnStdout(textOf: Delivered, again: string, output: Output): HandOver {
  let prepared = "";
  let lost: string | null = null;
  const print = (): void => {
    try {
      output.handOver(prepared);
    } catch (error) {
      lost = codeOf(error);
    }
  };
  return {
    async prepare(manifest) {
      prepared = textOf(manifest);
    },
    complete: print,
    confirm() {
      if (lost === null) return;
      throw new TokenUndeliveredError(
        `the token is made, but stdout did not accept it (${lost}), and nobody has it: ${again}`,
      );
    },
    fail(mayBeLive) {
      if (!mayBeLive) return;
      print();
      if (lost === null) output.warn("the token on stdout may be live: keep it until you know");
      else output.warn(`a token that nobody has may be live, because stdout did not accept it (${lost})`);
    },
  };
}

/** A new file of mode 0600 and its future content. */
export interface NewFile {
  readonly path: string;
  readonly textOf: Delivered;
}

/** Writes each text to a new file before the swap. Removes the files only if the commit certainly failed. */
export function handOverInFiles(files: readonly NewFile[], output: Output): HandOver {
  const written = new Set<string>();
  return {
    async prepare(manifest) {
      // An earlier try may have written them for another generation.
      for (const path of written) {
        await unlink(path);
        written.delete(path);
      }
      for (const { path, textOf } of files) {
        await writeNew(path, textOf(manifest));
        written.add(path);
      }
    },
    complete() {},
    confirm() {},
    fail(mayBeLive) {
      for (const path of written) {
        if (mayBeLive) output.warn(`${path} stays: the token in it may be live`);
        else remove(path, output);
      }
    },
  };
}

/**
 * @throws InputError the file exists, or cannot be created
 */
export async function requireNew(path: string): Promise<void> {
  if (path === "-") throw new InputError("--out must name a file", { hint: "without --out the token goes to stdout" });
  const stats = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw unwritable(path, error);
    return null;
  });
  if (stats === null) return refuseUnwritable(path);
  if (stats.isFile()) throw new FileThereError(path);
  throw new InputError(`${path} exists already, and is not a file`, { hint: "name a new file with --out=<file>" });
}

/** Creates and removes a file there, because modes, quotas and read-only mounts may all prevent it. */
async function refuseUnwritable(path: string): Promise<void> {
  const probe = `${path}.${randomBytes(6).toString("hex")}.probe`;
  try {
    await createPrivateFile(probe, "");
    await unlink(probe);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Another run may just have written the file of `--out`. */
export class FileThereError extends InputError {
  readonly path: string;

  constructor(path: string) {
    super(`${path} exists already: a command that was interrupted may have left it`, {
      hint: "if `vsync tokens list` shows no token of today, remove it; otherwise it may hold that token",
    });
    this.path = path;
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await createPrivateFile(path, text);
    await syncFolder(dirname(path)).catch(() => undefined);
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? new FileThereError(path) : unwritable(path, error);
  }
}

function remove(path: string, output: Output): void {
  try {
    unlinkSync(path);
    output.say(`${path} is removed: the token in it does not exist`);
  } catch (error) {
    output.warn(`${path} could not be removed (${codeOf(error)}): the token in it does not exist`);
  }
}

function unwritable(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${codeOf(error)}`, {
    hint: "name a file in a folder where you can write, on a disk that survives a restart",
  });
}
