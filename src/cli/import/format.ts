import { basename } from "node:path";
import { InputError } from "../../errors.ts";

export const IMPORT_FORMATS = ["dotenv", "json", "yaml", "docker", "k8s"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** How a text is read; whether a JSON or YAML document is a Kubernetes object shows once it is. */
export type Syntax = "dotenv" | "docker" | "json" | "yaml";

/**
 * From the file's name, else from what cannot be anything else. `.env` files are read as dotenv: docker's have no quotes.
 *
 * @param path null for stdin
 * @throws InputError it cannot be told
 */
export function guessSyntax(path: string | null, text: string): Syntax {
  const name = path === null ? "" : basename(path).toLowerCase();
  if (name.endsWith(".json")) return "json";
  if (/\.ya?ml$/.test(name)) return "yaml";
  if (/^\.env(\.|$)|\.env$/.test(name)) return "dotenv";
  if (/^\s*\{/.test(text)) return "json";
  if (/^apiVersion:\s/m.test(text) && /^kind:\s/m.test(text)) return "yaml";
  throw new InputError(`the format of ${path ?? "stdin"} cannot be told from its name or content`, {
    hint: `name it with --format=${IMPORT_FORMATS.join("|")}`,
  });
}

/** A Kubernetes manifest is YAML, or JSON. */
export function syntaxOf(format: ImportFormat, text: string): Syntax {
  if (format !== "k8s") return format;
  return /^\s*\{/.test(text) ? "json" : "yaml";
}
