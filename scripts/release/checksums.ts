import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The input of `sha256sum --check` for the named files of a folder. */
export function sha256Sums(folder: string, names: readonly string[]): string {
  const line = (name: string): string =>
    `${createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex")}  ${name}\n`;
  return names.toSorted().map(line).join("");
}
