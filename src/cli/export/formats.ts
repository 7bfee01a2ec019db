import { parse } from "dotenv";
import { modeText } from "../../disk/posix.ts";
import type { Item } from "../../vault/format/item.ts";
import { dotenvAssignment } from "../items/dotenv/dotenv-writer.ts";
import { isVariableName } from "../items/dotenv/secret-text.ts";
import { printableJson } from "../terminal/printable.ts";
import { cannotCarry } from "./cannot-carry.ts";
import { encodeK8s, type SecretMetadata } from "./k8s.ts";

export const EXPORT_FORMATS = ["dotenv", "json", "yaml", "k8s", "docker", "shell"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** @throws InputError naming an item that the format cannot carry unchanged, and the formats that can */
export function encodeItems(items: readonly Item[], format: ExportFormat, metadata: SecretMetadata): string {
  switch (format) {
    case "dotenv":
      return encodeDotenvExport(items);
    case "json":
      return `${printableJson(jsonExport(items))}\n`;
    case "yaml":
      return encodeYaml(items);
    case "k8s":
      return encodeK8s(items, metadata);
    case "docker":
      return encodeDocker(items);
    case "shell":
      return encodeShell(items);
    default:
      return format satisfies never;
  }
}

/**
 * The text of a secret, for text formats.
 *
 * @throws InputError the item is a file, or contains a NUL
 */
function textFor(format: string, item: Item): string {
  if (item.kind === "file") throw cannotCarry(format, item, "it is a file", ["json", "k8s"]);
  const text = item.data.exposeText();
  if (text.includes("\0")) throw cannotCarry(format, item, "its value has a NUL character", ["json", "k8s"]);
  return text;
}

/** Like `textFor`, for formats whose names are variables. */
function variableFor(format: string, item: Item): string {
  const text = textFor(format, item);
  if (isVariableName(item.name)) return text;
  throw cannotCarry(format, item, "its name is not one that a variable can have", ["json"]);
}

/** Docker reads the file with a Go scanner, which refuses longer lines. */
const MAX_LINE_BYTES = 65_535;

/**
 * A file for `docker run --env-file`: lines of `NAME=value`, taken literally. It has neither quotes nor escapes, so a
 * value cannot contain a line end.
 *
 * @throws InputError an item is not one line of text, or its name cannot be a variable's
 */
function encodeDocker(items: readonly Item[]): string {
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

/**
 * A dotenv file that vsync and the `dotenv` package read alike.
 *
 * @throws InputError an item is not text, its name cannot be a variable's, or no quoting keeps its value for both
 */
function encodeDotenvExport(items: readonly Item[]): string {
  return items.map((item) => `${assignmentFor(item)}\n`).join("");
}

function assignmentFor(item: Item): string {
  const text = variableFor("dotenv", item);
  const assignment = dotenvAssignment(item);
  // Reads the value under another name, because the package drops `__proto__`.
  const asRead = parse(`K${assignment?.slice(item.name.length)}`)["K"];
  if (assignment !== null && asRead === text) return assignment;
  throw cannotCarry("dotenv", item, "no quoting keeps its value", ["shell", "json"]);
}

/** One object: a secret is a string, a file is `{"base64": "…", "mode": "0640"}`. `vsync import` reads it back. */
function jsonExport(items: readonly Item[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(items.map((item) => [item.name, valueOf(item)]));
}

/**
 * Like `json`, with one line per item. Values are JSON strings, which are also YAML strings; a plain word could mean
 * something else in YAML.
 */
function encodeYaml(items: readonly Item[]): string {
  if (items.length === 0) return "{}\n";
  return items.map((item) => `${inLine(item.name)}: ${inLine(valueOf(item))}\n`).join("");
}

const inLine = (value: unknown): string => printableJson(value).replaceAll(/\n\s*/g, " ");

function valueOf({ kind, mode, data }: Item): unknown {
  if (kind === "secret") return data.exposeText();
  const base64 = Buffer.from(data.expose()).toString("base64");
  return mode === undefined ? { base64 } : { base64, mode: modeText(mode) };
}

/**
 * `export NAME='value'` lines for `eval` in any POSIX shell. Within single quotes only the single quote is special.
 *
 * @throws InputError an item is not text, or its name cannot be a variable's
 */
function encodeShell(items: readonly Item[]): string {
  return items.map((item) => `export ${item.name}=${quoted(variableFor("shell", item))}\n`).join("");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
