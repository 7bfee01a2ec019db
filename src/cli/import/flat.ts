import { InputError } from "../../errors.ts";
import type { Tree } from "../config/json-tree.ts";
import { FLAT_HINT, type ImportedItems, type Place, placeAt, shownName } from "./imported-items.ts";
import { decodedBase64, modeIn } from "./k8s.ts";

/**
 * Reads one object of names and values, or a list of pairs. A number or boolean becomes its literal text. `{"base64":
 * …, "mode": …}` becomes a file, as `vsync export --format=json` writes it.
 *
 * @param separator joins the names of nested values: `db: {host: …}` becomes `db__host`; without it they are refused
 * @throws InputError naming the line, and the path of a nested value
 */
export function readFlat(documents: readonly Tree[], label: string, imported: ImportedItems, separator?: string): void {
  const [document, second] = documents;
  if (second !== undefined) {
    throw new InputError(`${placeAt(label, second.line)} begins a second document`, {
      hint: "import them one by one; Kubernetes Secrets are read with --format=k8s",
    });
  }
  if (document === undefined || (document.kind === "scalar" && document.text === null)) return;
  const entries = document.kind === "map" ? entriesIn(document, label) : pairsIn(document, label);
  if (entries === null) {
    throw new InputError(`${placeAt(label, document.line)} is not an object of names and values`, {
      hint: 'write {"NAME": "value"} or [{"name": "NAME", "value": "value"}], or NAME: value in YAML',
    });
  }
  for (const entry of flattened(entries, label, separator)) addEntry(imported, entry);
}

/**
 * Reads `[{"name": …, "value": …}]`, or with `key`, the form of GitLab, Infisical, Bitwarden, ECS and Azure. Null for
 * any other list.
 */
function pairsIn(tree: Tree, label: string): readonly Entry[] | null {
  if (tree.kind !== "list" || tree.items.length === 0) return null;
  const entries: Entry[] = [];
  for (const item of tree.items) {
    const pair = item.kind === "map" ? item.entries : new Map<string, never>();
    const [key, other, value] = [pair.get("key"), pair.get("name"), pair.get("value")];
    const name = key ?? other;
    if (name?.value.kind !== "scalar" || name.value.text === null || value === undefined) return null;
    if (other?.value.kind === "scalar" && ![null, name.value.text].includes(other.value.text))
      throw twoNames(placeAt(label, name.line));
    entries.push({ name: name.value.text, value: value.value, place: placeAt(label, name.line) });
  }
  return entries;
}

function twoNames(place: Place): InputError {
  return new InputError(`${place} has a key and a name that differ`, {
    hint: "leave one of them; `jq 'map({name, value})'` keeps the names",
  });
}

/** The items of a list get their numbers, from 0, as names. */
function entriesIn(tree: Tree, label: string): readonly Entry[] {
  if (tree.kind === "scalar") return [];
  return tree.kind === "map"
    ? Array.from(tree.entries, ([name, { line, value }]) => ({ name, value, place: placeAt(label, line) }))
    : tree.items.map((value, at) => ({ name: String(at), value, place: placeAt(label, value.line) }));
}

/** With a separator, replaces nested maps and lists with their own entries. */
function flattened(entries: readonly Entry[], label: string, separator: string | undefined): readonly Entry[] {
  if (separator === undefined) return entries;
  return entries.flatMap((entry) => {
    const below = isFile(entry.value) ? [] : flattened(entriesIn(entry.value, label), label, separator);
    if (below.length === 0) return [entry];
    return below.map((it) => ({ ...it, name: `${entry.name}${separator}${it.name}` }));
  });
}

/** Whether the tree is `{"base64": …, "mode": …}`. */
function isFile(tree: Tree): boolean {
  if (tree.kind !== "map" || tree.entries.get("base64")?.value.kind !== "scalar") return false;
  return [...tree.entries.keys()].every((key) => key === "base64" || key === "mode");
}

interface Entry {
  readonly name: string;
  readonly value: Tree;
  readonly place: Place;
}

function addEntry(imported: ImportedItems, { name, value, place }: Entry): void {
  if (value.kind === "scalar" && value.text !== null) return imported.addSecret(name, value.text, place);
  if (value.kind === "scalar") {
    throw new InputError(`${place} has no value for${shownName(name) || " a name"}`, {
      hint: 'write "" for an empty value, or leave it out',
    });
  }
  const base64 = value.kind === "map" ? value.entries.get("base64")?.value : undefined;
  if (value.kind === "list" || base64?.kind !== "scalar" || !isFile(value)) throw nested(name, value, place);
  imported.addFile(name, decodedBase64(base64.text, place), place, modeIn(value.entries.get("mode")?.value, place));
}

function nested(name: string, value: Tree, place: string): InputError {
  return new InputError(`${place} holds more than a value: ${pathOf(shownName(name).trim() || "?", value)}`, {
    hint: `${FLAT_HINT}; Kubernetes Secrets are read with --format=k8s`,
  });
}

/** `database.hosts[0]`: the path to the first nested scalar. */
function pathOf(path: string, tree: Tree): string {
  if (tree.kind === "scalar") return path;
  if (tree.kind === "list") return tree.items[0] === undefined ? `${path}[]` : pathOf(`${path}[0]`, tree.items[0]);
  const [first] = tree.entries;
  return first === undefined ? `${path}.` : pathOf(`${path}.${shownName(first[0]).trim() || "?"}`, first[1].value);
}

/**
 * Reads a file as `docker run --env-file` does: white space before a name is dropped, `#` at the start of a line begins
 * a comment, and everything after the first `=` is the value, including quotes and white space.
 *
 * @throws InputError naming the line, but not its text
 */
export function readDockerEnv(text: string, label: string, imported: ImportedItems): void {
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "").replace(/^[\s\u0085]+/u, "");
    if (line === "" || line.startsWith("#")) continue;
    const place = placeAt(label, index + 1);
    const at = line.indexOf("=");
    if (at === -1) throw noValue(place);
    imported.addSecret(line.slice(0, at), line.slice(at + 1), place);
  }
}

function noValue(place: string): InputError {
  return new InputError(`${place} has no value`, {
    hint: "write NAME=value: for a bare name, docker takes the value from its own environment",
  });
}
