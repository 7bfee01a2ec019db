import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { lstat, open, unlink } from "node:fs/promises";
import type { Secret } from "../../crypto/secret.ts";
import { ConflictError, InputError, ManifestSwapFailedError } from "../../errors.ts";
import type { CommitPhase, CommitPorts } from "../../vault/commit.ts";
import { codeOf } from "../disk/error-code.ts";
import { createPrivateFile } from "../disk/private-file.ts";
import type { Output } from "../terminal/output.ts";

/**
 * How a generated passphrase reaches its owner: never lost once it may open the vault, never left where it would be taken
 * for one that does. See `docs/decisions/0010-generated-passphrases.md`.
 */
export interface Delivery {
  /** Everything is agreed, nothing is written to the store yet. @throws InputError it cannot be delivered */
  prepare(passphrase: Secret): Promise<void>;
  /** The vault opens with what was prepared. */
  complete(): void;
  /** The swap was not applied, or (`mayBeLive`) nobody knows. Synchronous: a signal may be ending the process. */
  fail(mayBeLive: boolean): void;
}

/** For a passphrase that its owner gave. */
export const NO_DELIVERY: Delivery = { async prepare() {}, complete() {}, fail() {} };

/** Alone on stdout, once, after the swap. */
export function deliverToStdout(output: Output): Delivery {
  let prepared: Secret | undefined;
  const print = (): void => {
    if (prepared !== undefined) output.raw(`${prepared.exposeText()}\n`);
  };
  return {
    async prepare(passphrase) {
      prepared = passphrase;
    },
    complete: print,
    fail(mayBeLive) {
      if (!mayBeLive) return;
      print();
      output.warn("what is on stdout may be the passphrase that opens the vault now: keep it until that is known");
    },
  };
}

/**
 * In a file that must not be there yet, mode 0600, on the disk before the first write to the store.
 *
 * @param env for the hint
 * @throws InputError the file is there already, or its folder takes none
 */
export async function deliverToFile(path: string, env: string, output: Output): Promise<Delivery> {
  if (path === "-") throw new InputError("--out names a file", { hint: "without --out the passphrase goes to stdout" });
  await refuseExisting(path, env);
  await refuseUnwritable(path);
  let isWritten = false;
  return {
    async prepare(passphrase) {
      await writeNew(path, passphrase, env);
      isWritten = true;
    },
    complete() {},
    fail(mayBeLive) {
      if (!isWritten) return;
      if (mayBeLive) output.warn(`${path} stays: it may hold the passphrase that opens the vault now`);
      else remove(path, output);
    },
  };
}

/** Runs a rotation, and tells the delivery how it ends, also where a signal ends it. */
export async function delivering<T>(
  ports: CommitPorts,
  delivery: Delivery,
  rotate: (ports: CommitPorts) => Promise<T>,
): Promise<T> {
  let reached: CommitPhase | null = null;
  const onPhase = (phase: CommitPhase): void => {
    reached = phase;
    if (phase === "manifest-swapped") delivery.complete();
    ports.onPhase?.(phase);
  };
  const fail = (error?: unknown): void => {
    if (reached === null) delivery.fail(false);
    // The swap is on its way from here on.
    if (reached === "bundle-created") delivery.fail(!isKnownUndone(error));
  };
  const failAtExit = () => fail();
  process.once("exit", failAtExit);
  try {
    return await rotate({ ...ports, onPhase });
  } catch (error) {
    fail(error);
    throw error;
  } finally {
    process.removeListener("exit", failAtExit);
  }
}

function isKnownUndone(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof ManifestSwapFailedError;
}

async function refuseExisting(path: string, env: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    throw unwritable(path, error);
  });
  if (stats !== null) throw exists(path, env);
}

function exists(path: string, env: string): InputError {
  const check = `vsync audit verify --env=${env} --passphrase-file=${path}`;
  return new InputError(`${path} is there already: a rotation that was cut short may have left it`, {
    hint: `where ${check} accepts it, it is the new passphrase; else move it away and run this again`,
  });
}

/** Learns by doing: modes, quotas and read-only mounts all have their say. */
async function refuseUnwritable(path: string): Promise<void> {
  const probe = `${path}.${randomBytes(6).toString("hex")}.probe`;
  try {
    await (await open(probe, "wx", 0o600)).close();
    await unlink(probe);
  } catch (error) {
    throw unwritable(path, error);
  }
}

async function writeNew(path: string, passphrase: Secret, env: string): Promise<void> {
  try {
    // Without a line end: many secret stores take a file's bytes as they are.
    await createPrivateFile(path, passphrase.expose());
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? exists(path, env) : unwritable(path, error);
  }
}

function remove(path: string, output: Output): void {
  try {
    unlinkSync(path);
    output.say(`${path} is removed: the passphrase in it opens nothing`);
  } catch (error) {
    output.warn(`${path} could not be removed (${codeOf(error)}): the passphrase in it opens nothing`);
  }
}

function unwritable(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${codeOf(error)}`, {
    hint: "name a file in a folder that takes one, on a disk that outlasts this machine's restart",
  });
}
