import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { readWhole } from "../push-input.ts";
import { withoutLineEnd } from "../without-line-end.ts";
import { canBeSecret, ImportedItems } from "./imported-items.ts";

/**
 * A folder with a file for each secret, as in `/run/secrets`: the file's name is the name. A secret loses one line end at
 * its end, as with `vsync set --from-file`. Names that begin with `..` are the machinery of a Kubernetes mount.
 *
 * @throws InputError something in the folder is no file, or cannot be read
 */
export async function readSecretFolder(folder: string): Promise<readonly NamedData[]> {
  const imported = new ImportedItems();
  const names = (await readdir(folder)).filter((name) => !name.startsWith("..")).toSorted();
  for (const name of names) {
    const path = join(folder, name);
    if ((await stat(path)).isDirectory()) {
      throw new InputError(`${path} is a folder`, { hint: "name it itself with --from=<folder>, or move it away" });
    }
    const bytes = (await readWhole(path, "check its mode")).data.expose();
    imported.addBytes(name, canBeSecret(name, bytes) ? withoutLineEnd(bytes) : bytes, path);
  }
  return imported.items;
}
