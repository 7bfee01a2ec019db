import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readRegularFile, withoutLineEnd } from "../../disk/given-file.ts";
import { codeOf } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import { canBeSecret, ImportedItems } from "./imported-items.ts";

/**
 * A folder with a file for each secret, as in `/run/secrets`: the file's name is the name. A secret loses one line end at
 * its end, as with `vsync set --from-file`. Names that begin with `..` are the machinery of a Kubernetes mount.
 *
 * @throws InputError something in the folder is no file, or cannot be read
 */
export async function readSecretFolder(folder: string): Promise<readonly NamedData[]> {
  const imported = new ImportedItems();
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    await refuseFolder(path);
    const hint = "check it, or move it away: every file of the folder is taken";
    const { bytes } = await readRegularFile(path, MAX_BUNDLE_BYTES, hint);
    imported.addBytes(name, canBeSecret(name, bytes) ? withoutLineEnd(bytes) : bytes, path);
  }
  return imported.items;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith("..")).toSorted();
  } catch (error) {
    throw new InputError(`${folder} cannot be read (${codeOf(error)})`, { hint: "check its owner and mode" });
  }
}

async function refuseFolder(path: string): Promise<void> {
  // What is not there, or a link that leads nowhere, is told of where it is read.
  const stats = await stat(path).catch(() => null);
  if (stats?.isDirectory() !== true) return;
  throw new InputError(`${path} is a folder`, { hint: "name it itself with --from=<folder>, or move it away" });
}
