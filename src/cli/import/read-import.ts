import { isUtf8 } from "node:buffer";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { InputError } from "../../errors.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import { labelOf, readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { parseDotenv } from "../items/dotenv/dotenv.ts";
import type { ReadItems } from "../items/dotenv/doubts.ts";
import { refuseUnreadable } from "../items/dotenv/secret-text.ts";
import { readDockerEnv, readFlat } from "./flat.ts";
import { ImportedItems, placeAt, renamesOf } from "./imported-items.ts";
import { readJson } from "./json.ts";
import { isKubernetes, readK8s } from "./k8s.ts";
import { readSecretFolder } from "./secret-folder.ts";
import { readWritten, WRITERS, type Writer } from "./writers.ts";
import { readYaml } from "./yaml-tree.ts";

const FROM_HINT = "name a file or folder with --from=<path>, or pipe it in with --from=-";

export interface ImportInput {
  /** `-` is stdin. `chamber` or `chamber:<path>` means that the tool chamber wrote the input. */
  readonly from: string;
  readonly format?: ImportFormat | undefined;
  /** Such as `db-password=DB_PASSWORD`. */
  readonly rename?: readonly string[] | undefined;
  readonly upper?: boolean;
  /** Joins the names of nested values. */
  readonly flatten?: string | undefined;
}

/** An input whose `from` is a path, and the tool that wrote it. */
interface Source extends ImportInput {
  readonly writer: Writer | null;
}

/**
 * Reads the items to import, at least one.
 *
 * @throws InputError naming file and line, but not their text
 */
export async function readImport(
  input: ImportInput,
  sources: Pick<SecretSources, "stdin" | "output">,
): Promise<ReadItems> {
  const source = sourceOf(input);
  // chamber stores `db-password` and gives it to programs as DB_PASSWORD.
  const isUpper = input.upper === true || source.writer === "chamber";
  const imported = new ImportedItems(labelOf(source.from), { renames: renamesOf(input.rename), isUpper });
  if (await isFolder(source.from)) await readFolder(source, imported);
  else await readText(source, sources, imported);
  const { items, doubts, warnings } = imported.finish();
  for (const warning of warnings) sources.output.warn(warning);
  return { items, doubts };
}

/**
 * @throws InputError `--format` contradicts it
 */
function sourceOf(input: ImportInput): Source {
  const [, name, , path = "-"] = /^(\w+)(:(.+))?$/s.exec(input.from) ?? [];
  const writer = WRITERS.find((it) => it === name) ?? null;
  if (writer === null) return { ...input, writer };
  if (input.format === undefined) return { ...input, writer, from: path };
  throw new InputError(`--from=${writer} says how the input is written, and so does --format`, {
    hint: `leave out --format; a file that is called ${writer} is --from=./${writer}`,
  });
}

async function readFolder({ from, format, writer }: Source, imported: ImportedItems): Promise<void> {
  if (writer === null && (format === undefined || format === "docker" || format === "k8s")) {
    return readSecretFolder(from, imported);
  }
  throw new InputError(`${from} is a folder, and ${writer ?? format} is a file`, {
    hint: "a folder of secret files, as in /run/secrets, is read with --format=docker",
  });
}

async function readText(source: Source, sources: Pick<SecretSources, "stdin">, imported: ImportedItems): Promise<void> {
  const { from, format, writer, flatten } = source;
  const label = labelOf(source.from);
  const bytes = await readBytes(from, sources);
  const text = new TextDecoder().decode(bytes);
  const isJson = /^\s*(?:\{|\[\s*\{)/.test(text);
  if (writer !== null && !isJson) {
    refuseFlatten(flatten);
    return readWritten(writer, text, label, imported);
  }
  const known = writer === null ? format : "json";
  const syntax = known === undefined ? guessSyntax(from === "-" ? null : from, text) : syntaxOf(known, isJson);
  if (syntax === "dotenv" || syntax === "docker") refuseFlatten(flatten);
  switch (syntax) {
    case "dotenv":
      return readDotenv(bytes, label, imported);
    case "docker":
      return readDockerEnv(text, label, imported);
    case "json":
    case "yaml": {
      const documents = syntax === "json" ? [readJson(text, label)] : await readYaml(text, label);
      const isK8s = known === "k8s" || (known === undefined && documents.some(isKubernetes));
      if (isK8s) readK8s(documents, label, imported);
      else readFlat(documents, label, imported, flatten);
      return;
    }
    default:
      return syntax satisfies never;
  }
}

function refuseFlatten(separator: string | undefined): void {
  if (separator === undefined) return;
  throw new InputError("--flatten is for nested JSON and YAML", {
    hint: "leave it out, or name the format with --format",
  });
}

async function readBytes(from: string, sources: Pick<SecretSources, "stdin">): Promise<Uint8Array> {
  const bytes = await readGivenInput({ path: from, flag: "--from", hint: FROM_HINT }, MAX_BUNDLE_BYTES, sources);
  const label = labelOf(from);
  refuseUnreadable(bytes, label);
  if (isUtf8(bytes)) return bytes;
  throw new InputError(`${label} is not UTF-8 text`, { hint: "store bytes as a file: vsync set --file=<name>=<path>" });
}

function readDotenv(bytes: Uint8Array, label: string, imported: ImportedItems): void {
  const { entries, warnings, doubts } = parseDotenv(bytes, label, { anyName: true });
  for (const warning of warnings) imported.warn(warning);
  for (const { name, about } of doubts) imported.doubt(name, about);
  for (const { name, value, line } of entries) imported.addSecret(name, value.exposeText(), placeAt(label, line));
}

async function isFolder(from: string): Promise<boolean> {
  if (from === "-") return false;
  const stats = await stat(from).catch(() => null);
  return stats?.isDirectory() === true;
}

export const IMPORT_FORMATS = ["dotenv", "json", "yaml", "docker", "k8s"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** The parser for the text. Only after parsing is it known whether a document is a Kubernetes object. */
type Syntax = "dotenv" | "docker" | "json" | "yaml";

/**
 * Guesses the syntax by the file's name, or else by unambiguous content. `.env` files count as dotenv, not docker.
 *
 * @param path null for stdin
 * @throws InputError neither tells
 */
function guessSyntax(path: string | null, text: string): Syntax {
  const name = path === null ? "" : basename(path).toLowerCase();
  if (name.endsWith(".json")) return "json";
  if (/\.ya?ml$/.test(name)) return "yaml";
  if (/^\.env(\.|$)|\.env$/.test(name)) return "dotenv";
  if (/^\s*(?:\{|\[\s*\{)/.test(text)) return "json";
  if (/^apiVersion:\s/m.test(text) && /^kind:\s/m.test(text)) return "yaml";
  throw new InputError(`the format of ${path ?? "stdin"} cannot be told from its name or content`, {
    hint: `name it with --format=${IMPORT_FORMATS.join("|")}; --from=shell${path === null ? "" : `:${path}`} reads a script of exports`,
  });
}

/** A Kubernetes manifest may be YAML or JSON. */
function syntaxOf(format: ImportFormat, isJson: boolean): Syntax {
  if (format !== "k8s") return format;
  return isJson ? "json" : "yaml";
}
