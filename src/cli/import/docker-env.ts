import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { ImportedItems, placeAt } from "./imported-items.ts";

/**
 * A file as `docker run --env-file` reads it: white space before a name goes, a line that begins with `#` is a comment, and
 * all after the first `=` is the value, quotes and white space too.
 *
 * @throws InputError naming the line, never what it says
 */
export function readDockerEnv(text: string, label: string): readonly NamedData[] {
  const imported = new ImportedItems();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "").replace(/^[\s\u0085]+/u, "");
    if (line === "" || line.startsWith("#")) continue;
    const place = placeAt(label, index + 1);
    const at = line.indexOf("=");
    if (at === -1) throw noValue(place);
    imported.addSecret(line.slice(0, at), line.slice(at + 1), place);
  }
  return imported.items;
}

function noValue(place: string): InputError {
  return new InputError(`${place} has no value`, {
    hint: "write NAME=value: docker would take the value of a name alone from its own environment",
  });
}
