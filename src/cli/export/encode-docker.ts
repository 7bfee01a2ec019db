import type { Item } from "../../vault/item.ts";
import { cannotCarry, textFor } from "./carriage.ts";

/** `docker` reads the file with a Go scanner, which takes no longer line. */
const MAX_LINE_BYTES = 65_535;

/**
 * A file for `docker run --env-file`: `NAME=value` lines, all as it stands. There are no quotes and no escapes, so that a
 * line end cannot be carried.
 *
 * @throws InputError an item is no text, no line, or no variable
 */
export function encodeDocker(items: readonly Item[]): string {
  return items.map((item) => `${lineOf(item)}\n`).join("");
}

function lineOf(item: Item): string {
  const line = `${item.name}=${textFor("docker", item)}`;
  const fault = faultOf(item.name, line);
  if (fault !== null) throw cannotCarry("docker", item, fault.why, fault.carriers);
  return line;
}

function faultOf(name: string, line: string): { readonly why: string; readonly carriers: readonly string[] } | null {
  if (!/^[^\s#=][^\s=]*$/u.test(name)) return { why: "its name has white space, a # or a =", carriers: ["json"] };
  if (line.includes("\n")) return { why: "its value has a line end", carriers: ["shell", "json", "k8s"] };
  if (line.endsWith("\r")) return { why: "its value ends with a carriage return", carriers: ["shell", "json", "k8s"] };
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return null;
  return { why: `its line would be longer than ${MAX_LINE_BYTES} bytes`, carriers: ["json", "k8s"] };
}
