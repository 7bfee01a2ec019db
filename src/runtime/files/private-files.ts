import { rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Action, storeFault } from "../../disk/faults.ts";
import { FOLDER_MODE } from "../../disk/folders.ts";
import { createPrivateFile } from "../../disk/private-file.ts";
import { InputError } from "../../errors.ts";
import { chooseFolder, makePrivateFolder, removeLeftFolders } from "./private-folder.ts";

const MAX_NAME_LENGTH = 200;

/** The files of one handle, in a folder that only this user can enter. */
export class PrivateFiles {
  readonly #paths = new Map<string, Promise<string>>();
  #written = 0;
  #folder: Promise<string> | undefined;
  #cancelExitRemoval = () => {};
  #removed: Promise<void> | undefined;

  /**
   * Writes a file, mode 0600, on the first call with its name.
   *
   * @throws AccessDeniedError, S3UnreachableError no folder is safe, or it is full; the message names the path
   * @throws InputError `remove` was called in the meantime
   */
  path(name: string, bytes: Uint8Array): Promise<string> {
    let path = this.#paths.get(name);
    if (path === undefined) {
      path = this.#write(name, bytes);
      this.#paths.set(name, path);
      path.catch(() => this.#paths.delete(name));
    }
    return path;
  }

  /** Removes all files, even those still being written. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove();
    return this.#removed;
  }

  async #write(name: string, bytes: Uint8Array): Promise<string> {
    // Each file has its own folder, so it can keep the end of its name, which some programs go by.
    const place = join(String(this.#written++), baseName(name));
    this.#folder ??= this.#makeFolder();
    const path = join(await this.#folder, place);
    await naming("write", path, async () => {
      await mkdir(dirname(path), { mode: FOLDER_MODE });
      await createPrivateFile(path, bytes);
    });
    if (this.#removed !== undefined) {
      throw new InputError(`${path} was removed again, because the vault was closed`, {
        hint: "await path() before close()",
      });
    }
    return path;
  }

  async #makeFolder(): Promise<string> {
    try {
      const folder = await chooseFolder();
      // Registered before the folder exists; otherwise an exit in between would leave it behind.
      this.#cancelExitRemoval = removeOnExit(folder);
      await naming("create", folder, () => makePrivateFolder(folder));
      await removeLeftFolders(dirname(folder));
      return folder;
    } catch (error) {
      this.#cancelExitRemoval();
      this.#folder = undefined;
      throw error;
    }
  }

  async #remove(): Promise<void> {
    await Promise.allSettled(this.#paths.values());
    const folder = await this.#folder;
    if (folder === undefined) return;
    await naming("delete", folder, () => rm(folder, { recursive: true, force: true }));
    this.#cancelExitRemoval();
  }
}

async function naming(action: Action, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw storeFault(error, action, path);
  }
}

/** A secret's name may be any text, even a path that leads out of the folder. */
function baseName(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9._-]/g, "_");
  return /^\.*$/.test(base) ? "item" : base.slice(-MAX_NAME_LENGTH);
}

// One listener for the folders of all handles: with one each, Node.js would warn about too many.
const folders = new Set<string>();

/** Removes the folder when the process or the worker thread exits. Call the returned function to cancel. */
function removeOnExit(folder: string): () => void {
  if (folders.size === 0) process.on("exit", removeFolders);
  folders.add(folder);
  return () => {
    folders.delete(folder);
    if (folders.size === 0) process.removeListener("exit", removeFolders);
  };
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
