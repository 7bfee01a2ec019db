import { isUtf8 } from "node:buffer";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { readGivenFile } from "../../disk/given-file.ts";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import { parseDotenv } from "../items/dotenv.ts";
import type { PushSources } from "../items/push-input.ts";
import { refuseUtf16 } from "../items/secret-text.ts";
import { readDockerEnv, readFlat } from "./flat.ts";
import { ImportedItems, placeAt, renamesOf } from "./imported-items.ts";
import { isKubernetes, readK8s } from "./k8s.ts";
import { readSecretFolder } from "./secret-folder.ts";
import { readJson, readYaml } from "./tree.ts";

const FROM_HINT = "name a file or folder with --from=<path>, or pipe it in with --from=-";

export interface ImportInput {
  /** `-` is stdin. */
  readonly from: string;
  readonly format?: ImportFormat | undefined;
  /** `db-password=DB_PASSWORD` */
  readonly rename?: readonly string[] | undefined;
}

/** The items to import, at least one. @throws InputError naming file and line, but not their text */
export async function readImport(input: ImportInput, sources: PushSources): Promise<readonly NamedData[]> {
  const imported = new ImportedItems(labelOf(input), renamesOf(input.rename));
  await ((await isFolder(input.from)) ? readFolder(input, imported) : readText(input, sources, imported));
  const { items, warnings } = imported.finish();
  for (const warning of warnings) sources.output.warn(warning);
  return items;
}

async function readFolder({ from, format }: ImportInput, imported: ImportedItems): Promise<void> {
  if (format === undefined || format === "docker" || format === "k8s") return readSecretFolder(from, imported);
  throw new InputError(`${from} is a folder, and ${format} is a file`, {
    hint: "a folder of secret files, as in /run/secrets, is read with --format=docker",
  });
}

async function readText(input: ImportInput, { stdin }: PushSources, imported: ImportedItems): Promise<void> {
  const { from, format } = input;
  const file = { path: from, flag: "--from", hint: FROM_HINT };
  const bytes =
    from === "-" ? await stdin.read("--from", MAX_BUNDLE_BYTES) : await readGivenFile(file, MAX_BUNDLE_BYTES);
  const label = labelOf(input);
  refuseUtf16(bytes, label);
  if (!isUtf8(bytes)) {
    throw new InputError(`${label} is not UTF-8 text`, {
      hint: "hold bytes as a file: vsync set --file=<name>=<path>",
    });
  }
  const text = new TextDecoder().decode(bytes);
  const syntax = format === undefined ? guessSyntax(from === "-" ? null : from, text) : syntaxOf(format, text);
  switch (syntax) {
    case "dotenv":
      return readDotenv(bytes, label, imported);
    case "docker":
      return readDockerEnv(text, label, imported);
    case "json":
    case "yaml": {
      const documents = await (syntax === "json" ? readJson : readYaml)(text, label);
      const isK8s = format === "k8s" || (format === undefined && documents.some(isKubernetes));
      return (isK8s ? readK8s : readFlat)(documents, label, imported);
    }
    default:
      return syntax satisfies never;
  }
}

function readDotenv(bytes: Uint8Array, label: string, imported: ImportedItems): void {
  const { entries, warnings } = parseDotenv(bytes, label);
  for (const warning of warnings) imported.warn(warning);
  for (const { name, value, line } of entries) imported.addSecret(name, value.exposeText(), placeAt(label, line));
}

function labelOf({ from }: ImportInput): string {
  return from === "-" ? "stdin" : from;
}

async function isFolder(from: string): Promise<boolean> {
  if (from === "-") return false;
  const stats = await stat(from).catch(() => null);
  return stats?.isDirectory() === true;
}

export const IMPORT_FORMATS = ["dotenv", "json", "yaml", "docker", "k8s"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** Which parser reads the text. Whether a document is a Kubernetes object shows only after parsing. */
type Syntax = "dotenv" | "docker" | "json" | "yaml";

/**
 * Tells the syntax by the file's name, else by content that is unambiguous. `.env` files count as dotenv, not docker.
 *
 * @param path null for stdin
 * @throws InputError both leave it open
 */
function guessSyntax(path: string | null, text: string): Syntax {
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

/** A Kubernetes manifest is YAML or JSON. */
function syntaxOf(format: ImportFormat, text: string): Syntax {
  if (format !== "k8s") return format;
  return /^\s*\{/.test(text) ? "json" : "yaml";
}
