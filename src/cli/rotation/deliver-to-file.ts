import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Secret } from "../../crypto/secret.ts";
import { syncFolder } from "../../disk/folders.ts";
import { open } from "../../disk/open.ts";
import { codeOf } from "../../disk/posix.ts";
import { createPrivateFile } from "../../disk/private-file.ts";
import { InputError } from "../../errors.ts";
import type { Output } from "../terminal/output.ts";
import type { Delivery } from "./delivery.ts";

/**
 * Delivers to a new file of mode 0600, which is on the disk before the first write to the store.
 *
 * @param env for the hint
 * @throws InputError the file exists already, or cannot be created
 */
export async function deliverToFile(path: string, env: string, output: Output): Promise<Delivery> {
  if (path === "-")
    throw new InputError("--out must name a file", { hint: "without --out the passphrase goes to stdout" });
  await refuseExisting(path, env);
  await refuseUnwritable(path);
  let isWritten = false;
  return {
    async prepare(passphrase) {
      await writeNew(path, passphrase, env);
      isWritten = true;
    },
    complete() {},
    confirm() {},
    fail(mayBeLive) {
      if (!isWritten) return;
      if (mayBeLive) output.warn(`${path} stays: it may hold the passphrase that opens the vault now`);
      else remove(path, output);
    },
  };
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
  return new InputError(`${path} exists already: a rotation that was interrupted may have left it`, {
    hint: `if ${check} accepts it, it is the new passphrase; else move it away and run this again`,
  });
}

/** Creates and removes a file there, because modes, quotas and read-only mounts may all prevent it. */
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
    // No line end, because many secret stores take a file's bytes as they are.
    await createPrivateFile(path, passphrase.expose());
    await syncFolder(dirname(path)).catch(() => undefined);
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
    hint: "name a file in a folder where you can write, on a disk that survives a restart",
  });
}
