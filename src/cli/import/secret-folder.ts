import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readRegularFile } from "../../disk/given-file.ts";
import { codeOf } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import { valueIn } from "../items/dotenv/secret-text.ts";
import type { ImportedItems } from "./imported-items.ts";

/**
 * Reads a folder with one file per secret, such as `/run/secrets`. The file's name is the secret's, and a secret loses
 * one final line end, as with `vsync set --from-file`. Names that start with `..` are internals of a Kubernetes mount
 * and are skipped.
 *
 * @throws InputError an entry is not a file, or cannot be read
 */
export async function readSecretFolder(folder: string, imported: ImportedItems): Promise<void> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (LEFT_BY_PROGRAMS.test(name)) {
      imported.warn(`${path} is left out: programs leave such files behind`);
      continue;
    }
    await refuseFolder(path);
    const hint = "check it, or move it away: every file of the folder is taken";
    const { bytes } = await readRegularFile(path, MAX_BUNDLE_BYTES, hint);
    imported.addBytes(name, bytes, path, { value: valueIn(bytes), notText: " in UTF-8" });
  }
}

const LEFT_BY_PROGRAMS =
  /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.git(?:keep|ignore|attributes)|\._.*|\..*\.sw[a-p]|.*~)$/;

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith("..")).toSorted();
  } catch (error) {
    throw new InputError(`${folder} cannot be read (${codeOf(error)})`, { hint: "check its owner and mode" });
  }
}

async function refuseFolder(path: string): Promise<void> {
  // If the file is missing or a dangling link, reading it reports that.
  const stats = await stat(path).catch(() => null);
  if (stats?.isDirectory() !== true) return;
  throw new InputError(`${path} is a folder`, { hint: "name it itself with --from=<folder>, or move it away" });
}
