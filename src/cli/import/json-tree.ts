import { InputError } from "../../errors.ts";
import { jsonFault, MAX_JSON_DEPTH } from "../config/json-fault.ts";
import { placeAt } from "./imported-items.ts";
import { addEntry, FLAT_HINT, type Tree, type TreeEntry } from "./tree.ts";

/**
 * Reads a JSON text. The YAML parser could read it too, but its time grows with the square of the length of a string
 * with escapes.
 *
 * @throws InputError naming the line
 */
export function readJson(text: string, label: string): readonly Tree[] {
  const fault = jsonFault(text);
  if (fault === null) return [new JsonReader(text, label).read()];
  if (fault.isTooDeep) {
    throw new InputError(`${placeAt(label, fault.line)} nests deeper than ${MAX_JSON_DEPTH} levels`, {
      hint: FLAT_HINT,
    });
  }
  throw new InputError(`${label}: line ${fault.line} is not JSON (column ${fault.column})`, {
    hint: "check the quotes and commas there",
  });
}

/**
 * For JSON written by hand: of two equal keys `JSON.parse` keeps the last, while a reviewer may have read the first.
 *
 * @throws InputError naming the line
 */
export function requireUniqueKeys(json: string, label: string): void {
  readJson(json, label);
}

const BETWEEN = /[ \t\r\n,:]*/y;
const LITERAL = /[^\s,\]}]+/y;

/** Reads a text that is known to be JSON. */
class JsonReader {
  readonly #text: string;
  readonly #label: string;
  #at = 0;
  #line = 1;

  constructor(text: string, label: string) {
    this.#text = text;
    this.#label = label;
  }

  read(): Tree {
    const first = this.#skip();
    const line = this.#line;
    if (first === "{") return { kind: "map", line, entries: this.#entries() };
    if (first === "[") return { kind: "list", line, items: this.#items() };
    if (first === '"') return { kind: "scalar", line, text: this.#string() };
    LITERAL.lastIndex = this.#at;
    const literal = LITERAL.exec(this.#text)?.[0] ?? "";
    this.#at += literal.length;
    return { kind: "scalar", line, text: literal === "null" ? null : literal };
  }

  /** The next character that is not white space. */
  #skip(): string {
    BETWEEN.lastIndex = this.#at;
    const skipped = BETWEEN.exec(this.#text)?.[0] ?? "";
    for (const character of skipped) if (character === "\n") this.#line++;
    this.#at += skipped.length;
    return this.#text[this.#at] ?? "";
  }

  #entries(): ReadonlyMap<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    this.#at++;
    while (this.#skip() !== "}") {
      const line = this.#line;
      const name = this.#string();
      addEntry(entries, name, { line, value: this.read() }, placeAt(this.#label, line));
    }
    this.#at++;
    return entries;
  }

  #items(): readonly Tree[] {
    const items: Tree[] = [];
    this.#at++;
    while (this.#skip() !== "]") items.push(this.read());
    this.#at++;
    return items;
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    let isEscaped: boolean;
    do {
      end = this.#text.indexOf('"', end + 1);
      let backslashes = 0;
      while (this.#text[end - 1 - backslashes] === "\\") backslashes++;
      isEscaped = backslashes % 2 === 1;
    } while (isEscaped);
    this.#at = end + 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }
}
