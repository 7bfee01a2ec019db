import { type FileHandle, lstat, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import { open } from "../../disk/open.ts";
import { createPrivateFile } from "../../disk/private-file.ts";
import { InputError } from "../../errors.ts";
import { PrivateFiles } from "../../runtime/files/private-files.ts";
import type { Item } from "../../vault/format/item.ts";
import { findItem } from "../items/selection.ts";
import type { Output } from "../terminal/output.ts";
import { type Variable, variable } from "./caller.ts";

/** A file of the vault that the program reads by its path, while it runs. */
interface Mount {
  /** The item's name in the vault. */
  readonly name: string;
  /** The variable that gets the path. */
  readonly variable: string;
  /** Null lets vsync choose a place in memory. */
  readonly path: string | null;
}

const USAGE = "as in --mount=certs/ca.pem:CA_FILE, or --mount=certs/ca.pem:CA_FILE=/run/app/ca.pem";

/**
 * Parses `<name>[:<VAR>[=<path>]]`. The name may itself contain a colon.
 *
 * @throws InputError the text has another form
 */
function parseMount(text: string): Mount {
  const [, name = text, given, path] = /^(.+):([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === "" || path === "")
    throw new InputError("--mount must be <name>:<VAR> or <name>:<VAR>=<path>", { hint: USAGE });
  return { name, variable: given ?? variableFor(name), path: path ?? null };
}

/** @throws InputError two paths would go into one variable */
function requireFree({ name, variable: own }: Mount, taken: readonly Variable[]): void {
  if (!taken.some((it) => it.name === own)) return;
  throw new InputError(`--mount puts two paths into ${own}`, {
    hint: `name another variable, as in --mount=${name}:${own}_2`,
  });
}

/** The default variable: `CERTS_CA_PEM` for `certs/ca.pem`. */
function variableFor(name: string): string {
  const words = name.toUpperCase().replace(/[^A-Z0-9_]/g, "_");
  return /^[0-9]/.test(words) ? `_${words}` : words;
}

/** The mounted files of one program. Disposing of this removes them. */
export class Mounts implements AsyncDisposable {
  readonly #inMemory = new PrivateFiles();
  /** Kept open, because then no other file can get its inode. */
  readonly #onDisk: { readonly path: string; readonly handle: FileHandle }[] = [];
  readonly variables: Variable[] = [];

  /**
   * @throws InputError the vault has no such name, or the path is taken
   */
  static async write(texts: readonly string[], items: readonly Item[], output: Output): Promise<Mounts> {
    const mounts = new Mounts();
    try {
      for (const mount of texts.map(parseMount)) {
        requireFree(mount, mounts.variables);
        const path = await mounts.#place(mount, findItem(items, mount.name).data.expose(), output);
        mounts.variables.push(variable(mount.variable, path));
      }
      return mounts;
    } catch (error) {
      await mounts[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #place({ name, path }: Mount, bytes: Uint8Array, output: Output): Promise<string> {
    if (path === null) return this.#inMemory.path(name, bytes);
    const absolute = resolve(path);
    await createPrivateFile(absolute, bytes).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(`${path} cannot be written (${error.code})`, {
        hint:
          error.code === "EEXIST"
            ? `remove it first; a killed run may have left it: rm ${path}`
            : "check the folder after the = of --mount, or leave the path out: then vsync chooses a place in memory",
      });
    });
    this.#onDisk.push({ path: absolute, handle: await open(absolute) });
    output.warn(`${name} is on the disk at ${path} while the program runs`);
    return absolute;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { path, handle } of this.#onDisk) {
      // Do not remove a file that somebody else has put there.
      const [own, there] = [await handle.stat(), await lstat(path).catch(() => null)];
      if (there?.ino === own.ino && there.dev === own.dev) await unlink(path).catch(() => undefined);
      await handle.close();
    }
    await this.#inMemory.remove();
  }
}
