import type { LineCounter, Node, Pair } from "yaml";
import { InputError } from "../../errors.ts";
import { jsonFault, MAX_JSON_DEPTH } from "../config/json-fault.ts";
import { placeAt, shownName } from "./imported-items.ts";

const FLAT_HINT = "make it flat, a name and a value each";

/** A YAML or JSON document. */
export type Tree =
  /** `text` is a string's value, the literal text of a number or boolean, or null for null. */
  | { readonly kind: "scalar"; readonly line: number; readonly text: string | null }
  | { readonly kind: "list"; readonly line: number; readonly items: readonly Tree[] }
  | { readonly kind: "map"; readonly line: number; readonly entries: ReadonlyMap<string, TreeEntry> };

export interface TreeEntry {
  /** The line of the key, from 1. */
  readonly line: number;
  readonly value: Tree;
}

/**
 * Parses the documents of a YAML stream (1.2, core schema). Tags and aliases are refused: secrets do not need them, and both
 * have been used to make a reader execute code or run out of memory.
 *
 * @throws InputError naming the line
 */
export async function readYaml(text: string, label: string): Promise<readonly Tree[]> {
  const yaml = await import("yaml");
  const lineCounter = new yaml.LineCounter();
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false, merge: false, version: "1.2" } as const;
  const documents = yaml.parseAllDocuments(text, options);
  if (!Array.isArray(documents)) return [];
  const reader = new TreeReader(yaml, lineCounter, label);
  return documents.map((document) => {
    const [fault] = document.errors;
    // The parser recurses, and stops at a depth of its own.
    if (fault?.code === "RESOURCE_EXHAUSTION") throw reader.fault(fault.pos[0], "nests too deeply", FLAT_HINT);
    if (fault !== undefined)
      throw reader.fault(fault.pos[0], "is not YAML", "check the indentation and the quotes there");
    return reader.read(document.contents);
  });
}

/** As `readYaml`, for a text that must be JSON, which is a subset of YAML. */
export async function readJson(text: string, label: string): Promise<readonly Tree[]> {
  const fault = jsonFault(text);
  if (fault === null) return readYaml(text, label);
  if (fault.isTooDeep) {
    throw new InputError(`${placeAt(label, fault.line)} nests deeper than ${MAX_JSON_DEPTH} levels`, {
      hint: FLAT_HINT,
    });
  }
  throw new InputError(`${label}: line ${fault.line} is not JSON (column ${fault.column})`, {
    hint: "check the quotes and commas there",
  });
}

class TreeReader {
  readonly #yaml: typeof import("yaml");
  readonly #lines: LineCounter;
  readonly #label: string;

  constructor(yaml: typeof import("yaml"), lines: LineCounter, label: string) {
    this.#yaml = yaml;
    this.#lines = lines;
    this.#label = label;
  }

  fault(offset: number, what: string, hint: string): InputError {
    return new InputError(`${placeAt(this.#label, this.#lineAt(offset))} ${what}`, { hint });
  }

  read(node: Node | null): Tree {
    if (node === null) return { kind: "scalar", line: 1, text: null };
    const offset = node.range?.[0] ?? 0;
    const line = this.#lineAt(offset);
    if (this.#yaml.isAlias(node)) throw this.fault(offset, "has an alias", "write the value itself there");
    if (node.tag !== undefined) throw this.fault(offset, "has a tag", "leave the tag out: it is not needed");
    if (this.#yaml.isMap(node))
      return { kind: "map", line, entries: this.#entries(node.items as Pair<Node, Node | null>[]) };
    if (this.#yaml.isSeq(node)) return { kind: "list", line, items: node.items.map((item) => this.read(item as Node)) };
    return { kind: "scalar", line, text: this.#yaml.isScalar(node) ? textIn(node) : null };
  }

  #entries(pairs: readonly Pair<Node, Node | null>[]): ReadonlyMap<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    for (const { key, value } of pairs) {
      const name = this.read(key);
      const offset = key.range?.[0] ?? 0;
      if (name.kind !== "scalar")
        throw this.fault(offset, "has a key that is not a name", "write a plain name before the colon");
      const text = name.text ?? "";
      const before = entries.get(text);
      if (before !== undefined) {
        throw this.fault(
          offset,
          `has a key${shownName(text)} that appears twice: also on line ${before.line}`,
          "leave one of them",
        );
      }
      entries.set(text, { line: name.line, value: this.read(value) });
    }
    return entries;
  }

  #lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }
}

function textIn({ value, source }: { readonly value: unknown; readonly source?: string | undefined }): string | null {
  if (value === null) return null;
  return typeof value === "string" ? value : (source ?? null);
}
