import type { LineCounter, Node, Pair } from "yaml";
import { InputError } from "../../errors.ts";
import type { Tree, TreeEntry } from "../config/json-tree.ts";
import { FLAT_HINT, placeAt, repeatedKey } from "./imported-items.ts";

/**
 * Parses the documents of a YAML 1.2 stream, with the core schema. It refuses tags and aliases: secrets do not need
 * them, and attackers have used both to make parsers execute code or run out of memory.
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
    // The parser recurses, and has its own limit for the depth.
    if (fault?.code === "RESOURCE_EXHAUSTION") throw reader.fault(fault.pos[0], "nests too deeply", FLAT_HINT);
    if (fault !== undefined)
      throw reader.fault(fault.pos[0], "is not YAML", "check the indentation and the quotes there");
    return reader.read(document.contents);
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
    if (node.tag !== undefined) throw this.fault(offset, "has a tag", hintFor(node.tag));
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
      const [{ line, text }, tree] = [name, this.read(value)];
      const before = entries.get(text ?? "");
      if (before !== undefined) throw repeatedKey({ name: text ?? "", line, before: before.line }, this.#label);
      entries.set(text ?? "", { line, value: tree });
    }
    return entries;
  }

  #lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }
}

/** Without its tag, the text would be stored as base64, or still encrypted. */
function hintFor(tag: string): string {
  if (tag.endsWith(":binary")) return "decode it; vsync set --file=<name>=<path> stores bytes that are not text";
  if (tag.startsWith("!")) return "write the value itself there: a tag such as !vault means that it is encrypted";
  return "leave the tag out: it is not needed";
}

function textIn({ value, source }: { readonly value: unknown; readonly source?: string | undefined }): string | null {
  if (value === null) return null;
  return typeof value === "string" ? value : (source ?? null);
}
