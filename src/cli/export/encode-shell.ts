import type { Item } from "../../vault/item.ts";
import { variableFor } from "./carriage.ts";

/**
 * `export NAME='value'` lines for `eval` in any POSIX shell: between single quotes nothing means anything but the quote.
 *
 * @throws InputError an item is no text, or no variable
 */
export function encodeShell(items: readonly Item[]): string {
  return items.map((item) => `export ${item.name}=${quoted(variableFor("shell", item))}\n`).join("");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
