/**
 * Finds where a text stops being JSON. JSON.parse does not always say where, and its messages quote the text, which may
 * be a secret.
 */

const SPACE = /[ \t\r\n]*/y;
/** Where the plain part of a string ends. One pattern for whole strings would overflow the stack on some MiB. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them in a string
const NOT_PLAIN = /["\\\u0000-\u001f]/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** Where the scanner stopped. Never leaves this file. */
class Stop extends Error {
  readonly offset: number;
  readonly isTooDeep: boolean;
  constructor(offset: number, isTooDeep = false) {
    super();
    this.offset = offset;
    this.isTooDeep = isTooDeep;
  }
}

export interface JsonFault extends TextPosition {
  /** The text nests deeper than `MAX_JSON_DEPTH`, where the scanner stopped; it may still be JSON. */
  readonly isTooDeep: boolean;
}

interface TextPosition {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** The first position at which the text is not JSON, or null if it is. */
export function jsonFault(text: string): JsonFault | null {
  try {
    const end = skip(SPACE, text, value(text, 0, 0));
    return end === text.length ? null : { ...positionAt(text, end), isTooDeep: false };
  } catch (stop) {
    if (stop instanceof Stop) return { ...positionAt(text, stop.offset), isTooDeep: stop.isTooDeep };
    throw stop;
  }
}

export const MAX_JSON_DEPTH = 100;

function value(text: string, from: number, depth: number): number {
  const at = skip(SPACE, text, from);
  if (depth > MAX_JSON_DEPTH) throw new Stop(at, true);
  if (text[at] === "{") return list(text, at, "}", (start) => member(text, start, depth));
  if (text[at] === "[") return list(text, at, "]", (start) => value(text, start, depth + 1));
  return text[at] === '"' ? string(text, at) : expect(SCALAR, text, at);
}

/** A fault in a string is reported at the start of the string. */
function string(text: string, start: number): number {
  if (text[start] !== '"') throw new Stop(start);
  for (let at = start + 1; ; ) {
    const next = skip(NOT_PLAIN, text, at) - 1;
    if (next < at) throw new Stop(start);
    if (text[next] === '"') return next + 1;
    at = skip(ESCAPE, text, next);
    if (at === next) throw new Stop(start);
  }
}

function member(text: string, from: number, depth: number): number {
  const colon = skip(SPACE, text, string(text, skip(SPACE, text, from)));
  if (text[colon] !== ":") throw new Stop(colon);
  return value(text, colon + 1, depth + 1);
}

function list(text: string, open: number, close: string, element: (start: number) => number): number {
  const first = skip(SPACE, text, open + 1);
  if (text[first] === close) return first + 1;
  for (let at = first; ; ) {
    const end = skip(SPACE, text, element(at));
    if (text[end] === close) return end + 1;
    if (text[end] !== ",") throw new Stop(end);
    at = end + 1;
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function expect(pattern: RegExp, text: string, at: number): number {
  const end = skip(pattern, text, at);
  if (end === at) throw new Stop(at);
  return end;
}

function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
