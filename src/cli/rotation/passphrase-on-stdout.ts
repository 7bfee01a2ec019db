import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Secret } from "../../crypto/secret.ts";
import { codeOf } from "../../disk/posix.ts";
import { PassphraseUndeliveredError } from "../../errors.ts";
import { configPath } from "../config/paths.ts";
import type { Target } from "../config/target.ts";
import { type HandOver, requireStdout } from "../delivery/hand-over.ts";
import type { Output } from "../terminal/output.ts";

/**
 * Prints the passphrase once on stdout, after the swap. If stdout has failed by then, it goes into a file.
 *
 * @throws InputError stdout leads nowhere
 */
export function handOverOnStdout(target: Target, output: Output): HandOver<Secret> {
  let prepared: Secret | undefined;
  let failure: PassphraseUndeliveredError | null = null;
  const print = (): void => {
    if (prepared !== undefined) failure = printOrKeep(prepared, target, output);
  };
  requireStdout("passphrase");
  return {
    async prepare(passphrase) {
      requireStdout("passphrase");
      prepared = passphrase;
    },
    complete: print,
    confirm() {
      if (failure !== null) throw failure;
    },
    fail(mayBeLive) {
      if (!mayBeLive) return;
      print();
      const where = failure === null ? "on stdout" : "in that file";
      output.warn(`the passphrase ${where} may be the one that opens the vault now: keep it until you know`);
    },
  };
}

/**
 * Prints what may be the only key to the vault. If stdout fails, writes it into a file of mode 0600 and returns what
 * happened, without the passphrase. Synchronous, because a signal may be ending the process.
 */
function printOrKeep(passphrase: Secret, target: Target, output: Output): PassphraseUndeliveredError | null {
  try {
    output.handOver(`${passphrase.exposeText()}\n`);
    return null;
  } catch (error) {
    const fault = codeOf(error);
    const path = keep(passphrase, target);
    output.warn(path === null ? `stdout does not accept the new passphrase (${fault})` : keptIn(path, fault));
    return path === null ? lost(target.env, fault) : undelivered(path, fault);
  }
}

function keptIn(path: string, fault: string): string {
  return `stdout does not accept the new passphrase (${fault}): it is in ${path}`;
}

/** Writes it into the first folder that works: the config folder, the current folder, the one for temporary files. */
function keep(passphrase: Secret, target: Target): string | null {
  const name = `${target.env}-new-passphrase-${randomBytes(4).toString("hex")}`;
  for (const folder of [dirname(configPath(target)), process.cwd(), tmpdir()]) {
    const path = join(folder, name);
    if (isWritten(path, passphrase)) return path;
  }
  return null;
}

function isWritten(path: string, passphrase: Secret): boolean {
  try {
    const descriptor = openSync(path, "wx", 0o600);
    try {
      const bytes = passphrase.expose();
      if (writeSync(descriptor, bytes) !== bytes.length) throw new Error("written in part");
      fsyncSync(descriptor);
      return true;
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

function undelivered(path: string, fault: string): PassphraseUndeliveredError {
  return new PassphraseUndeliveredError(`rotated, but stdout does not accept the new passphrase (${fault})`, {
    hint: `put what ${path} holds into your secret store, then remove that file: nothing else opens the vault now`,
  });
}

function lost(env: string, fault: string): PassphraseUndeliveredError {
  return new PassphraseUndeliveredError(
    `rotated, but stdout does not accept the new passphrase (${fault}), nor does any folder: nobody has it`,
    {
      hint:
        "restore the manifest from before this rotation, from the bucket's object versions or a backup, as in " +
        `docs/operations.md; then vsync init --env=${env} --reset joins it with the old passphrase`,
    },
  );
}
