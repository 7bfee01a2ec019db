/** A JSON or YAML document. */
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

export const MAX_JSON_DEPTH = 100;

/** The first position at which a text is not JSON. */
export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** The text nests deeper than `MAX_JSON_DEPTH`, where the reader stopped; it may still be JSON. */
  readonly isTooDeep: boolean;
}

/** A key that an object has twice. `JSON.parse` keeps the last, while a reviewer may have read the first. */
export interface RepeatedKey {
  readonly name: string;
  readonly line: number;
  /** The line of the same key before it. */
  readonly before: number;
}

/**
 * Reads a JSON text with its lines, or finds where it stops being JSON. `JSON.parse` does not always say where, and its
 * messages quote the text, which may be a secret.
 */
export function readJsonTree(
  text: string,
): { readonly tree: Tree; readonly repeated: RepeatedKey | null } | { readonly fault: JsonFault } {
  const reader = new JsonReader(text);
  try {
    return { tree: reader.read(), repeated: reader.repeated };
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    const before = text.slice(0, stop.offset).split("\n");
    return { fault: { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, isTooDeep: stop.isTooDeep } };
  }
}

/** Where a text stops being JSON, or null if it is JSON. */
export function jsonFault(text: string): JsonFault | null {
  const read = readJsonTree(text);
  return "fault" in read ? read.fault : null;
}

/** Where the reader stopped. Never leaves this file. */
class Stop extends Error {
  readonly offset: number;
  readonly isTooDeep: boolean;
  constructor(offset: number, isTooDeep = false) {
    super();
    this.offset = offset;
    this.isTooDeep = isTooDeep;
  }
}

const SPACE = /[ \t\r\n]*/y;
/** Where the plain part of a string ends. One pattern for whole strings would overflow the stack on some MiB. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them in a string
const NOT_PLAIN = /["\\\u0000-\u001f]/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

class JsonReader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  repeated: RepeatedKey | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Tree {
    const tree = this.#value(0);
    if (this.#next() !== "") throw new Stop(this.#at);
    return tree;
  }

  #value(depth: number): Tree {
    const first = this.#next();
    const line = this.#line;
    if (depth > MAX_JSON_DEPTH) throw new Stop(this.#at, true);
    if (first === "{") return { kind: "map", line, entries: this.#entries(depth + 1) };
    if (first === "[") return { kind: "list", line, items: this.#items(depth + 1) };
    if (first === '"') return { kind: "scalar", line, text: this.#string() };
    const literal = this.#take(SCALAR);
    if (literal === "") throw new Stop(this.#at);
    return { kind: "scalar", line, text: literal === "null" ? null : literal };
  }

  #entries(depth: number): ReadonlyMap<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    this.#each("}", () => {
      this.#next();
      const line = this.#line;
      const name = this.#string();
      if (this.#next() !== ":") throw new Stop(this.#at);
      this.#at++;
      const value = this.#value(depth);
      const before = entries.get(name);
      if (before !== undefined) this.repeated ??= { name, line, before: before.line };
      entries.set(name, { line, value });
    });
    return entries;
  }

  #items(depth: number): readonly Tree[] {
    const items: Tree[] = [];
    this.#each("]", () => items.push(this.#value(depth)));
    return items;
  }

  /** Reads the elements between brackets, from the opening one on. */
  #each(close: string, readElement: () => void): void {
    this.#at++;
    if (this.#next() !== close) {
      readElement();
      while (this.#next() === ",") {
        this.#at++;
        readElement();
      }
    }
    if (this.#next() !== close) throw new Stop(this.#at);
    this.#at++;
  }

  /** A fault in a string is reported at the start of the string. */
  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw new Stop(start);
    for (this.#at++; ; ) {
      NOT_PLAIN.lastIndex = this.#at;
      const special = NOT_PLAIN.exec(this.#text);
      if (special === null) throw new Stop(start);
      this.#at = special.index;
      if (special[0] === '"') break;
      if (this.#take(ESCAPE) === "") throw new Stop(start);
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  /** The next character that is not white space; empty at the end. */
  #next(): string {
    for (const character of this.#take(SPACE)) if (character === "\n") this.#line++;
    return this.#text[this.#at] ?? "";
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }
}
