import { isUtf8 } from "node:buffer";
import { InputError } from "../../errors.ts";
import { type ImportedItems, type Place, placeAt } from "./imported-items.ts";

const BETWEEN = /[ \t\r\n;]+|\\\n|#[^\n]*/y;
const HEAD = /(?:(export|declare|typeset|readonly)(?:[ \t]+-[-A-Za-z]+)*[ \t]+)?([^\s='"\\$`;&|<>()#]+)(=?)/y;
const PLAIN = /[^\s'"\\$`;&|<>()]+|\$(?=[\s;]|$)|/uy;

/**
 * Reads assignments as a shell would, but expands nothing. Accepts what `export -p` and `vsync export --format=shell`
 * print, or a script of such lines.
 *
 * @throws InputError naming the line: it does something else, or contains an expansion
 */
export function readShell(text: string, label: string, imported: ImportedItems): void {
  let isDeclared = false;
  let counted = 0;
  let line = 1;
  for (let at = 0; ; ) {
    const between = text.slice(at, endOfBetween(text, at));
    if (/[\n;]/.test(between.replaceAll("\\\n", ""))) isDeclared = false;
    at += between.length;
    if (at === text.length) return;
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    const place = placeAt(label, line);
    const [head, keyword, name = "", equals] = matchAt(HEAD, text, at) ?? [];
    if (head === undefined) throw notAssigned(place);
    isDeclared ||= keyword !== undefined;
    at += head.length;
    // `declare -x OLDPWD` is a variable without a value.
    if (equals === "" && !isDeclared) throw notAssigned(place);
    if (equals === "") continue;
    refuseParts(name, place);
    const word = readWord(text, at, isDeclared);
    if (word === null) throw expanded(name, place);
    if (!isUtf8(word.bytes)) throw new InputError(`${place} has a value that is not UTF-8 text`, { hint: TEXT_HINT });
    at += word.length;
    imported.addSecret(name, Buffer.from(word.bytes).toString(), place);
  }
}

/** Piece by piece: a single expression for all of them would overflow the stack on millions of lines. */
function endOfBetween(text: string, from: number): number {
  for (let at = from; ; ) {
    const [piece] = matchAt(BETWEEN, text, at) ?? [];
    if (piece === undefined) return at;
    at += piece.length;
  }
}

const TEXT_HINT = "store bytes that are not text as a file: vsync set --file=<name>=<path>";

function notAssigned(place: Place): InputError {
  return new InputError(`${place} does something other than set a variable`, {
    hint: "leave only lines such as export NAME='value'",
  });
}

/** @throws InputError `A+=` appends, and `A[0]=` sets an element of an array */
function refuseParts(name: string, place: Place): void {
  const [, variable = "", part] = /^(\w{1,64})(\+|\[.*\]\+?)$/.exec(name) ?? [];
  if (part === undefined) return;
  const what = part === "+" ? `appends to ${variable}` : `sets a part of the array ${variable}`;
  throw new InputError(`${place} ${what}`, { hint: `write the whole value there, as in export ${variable}='value'` });
}

function expanded(name: string, place: Place): InputError {
  const shown = /^\w{1,64}$/.test(name) ? ` ${name}` : "";
  return new InputError(`${place} has a value${shown} with an unclosed quote or a shell expansion`, {
    hint: "write the value itself there, between single quotes",
  });
}

interface Part {
  readonly bytes: Uint8Array;
  /** Length of the part in the input. */
  readonly length: number;
}

/** What bash makes several words of, after `export` and its like alone; quoted text stands as `Q` there. */
const BRACES = /\{[^{}]*,[^{}]*\}|\{(?:-?\d+|[A-Za-z])\.\.(?:-?\d+|[A-Za-z])(?:\.\.-?\d+)?\}/;

/** Reads up to white space or a semicolon. Null if the shell would expand a part of it, or a quote is not closed. */
function readWord(text: string, from: number, isDeclared: boolean): Part | null {
  const parts: Uint8Array[] = [];
  let unquoted = "";
  let at = from;
  while (at < text.length && !/[\s;]/.test(text[at] ?? "")) {
    const quoted = readQuoted(text, at);
    const part = quoted ?? readPlain(matchAt(PLAIN, text, at)?.[0] ?? "", at === from);
    if (part === null) return null;
    parts.push(part.bytes);
    unquoted += quoted === null ? text.slice(at, at + part.length) : "Q";
    at += part.length;
  }
  return isDeclared && BRACES.test(unquoted) ? null : { bytes: Buffer.concat(parts), length: at - from };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Null if no quote or backslash starts there, or the shell would expand something between the quotes. */
function readQuoted(text: string, at: number): Part | null {
  const [open = ""] = /^(?:\$?'|"|\\)/.exec(text.slice(at, at + 2)) ?? [];
  if (open === "") return null;
  if (open === "\\") {
    const [escaped] = text.slice(at + 1, at + 3);
    if (escaped === undefined) return null;
    return { bytes: Buffer.from(escaped === "\n" ? "" : escaped), length: 1 + escaped.length };
  }
  const close = open === "'" ? text.indexOf(open, at + 1) : closingQuote(text, at + open.length, open.slice(-1));
  if (close === -1) return null;
  const inner = text.slice(at + open.length, close);
  const length = close + 1 - at;
  if (open === "'") return { bytes: Buffer.from(inner), length };
  if (open === "$'") return { bytes: ansiBytes(inner), length };
  if (/`|\$[A-Za-z0-9_{(?#@*!$-]/.test(inner.replaceAll(/\\[^]/g, ""))) return null;
  return { bytes: Buffer.from(inner.replaceAll(/\\(?:([$`"\\])|\n)/g, "$1")), length };
}

/** The index of the closing quote, or -1. An escaped quote does not close. */
export function closingQuote(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Null for no text, or for a `~` that means a home folder: at the start of a value, or after a colon. */
function readPlain(plain: string, isFirst: boolean): Part | null {
  if (plain === "" || plain.includes(":~") || (isFirst && plain.startsWith("~"))) return null;
  return { bytes: Buffer.from(plain), length: plain.length };
}

/** What a backslash and one of these stand for in C, and in all that follows it. */
export const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};
const BASH_ESCAPES: typeof ESCAPES = { ...ESCAPES, e: "\u001b", E: "\u001b", "'": "'", "?": "?" };

/** Decodes the text of `$'…'` as bash does: `\x` gives single bytes, and an unknown escape keeps its backslash. */
function ansiBytes(text: string): Uint8Array {
  const parts = text.split(/(\\(?:x[\da-fA-F]{1,2}|[0-7]{1,3}|u[\da-fA-F]{1,4}|U[\da-fA-F]{1,8}|c[^]|[^]))/u);
  return Buffer.concat(
    parts.map((part) => {
      if (!part.startsWith("\\")) return Buffer.from(part);
      const [, kind = "", digits = ""] = /^\\([xuU])([\da-fA-F]+)$/.exec(part) ?? [];
      if (kind === "x") return Buffer.of(Number.parseInt(digits, 16));
      if (kind !== "") return utf8Of(Number.parseInt(digits, 16));
      if (/^\\[0-7]+$/.test(part)) return Buffer.of(Number.parseInt(part.slice(1), 8) & 0xff);
      if (/^\\c[^]$/u.test(part)) return Buffer.of(part.charCodeAt(2) & 0x1f);
      return Buffer.from(BASH_ESCAPES[part.slice(1)] ?? part);
    }),
  );
}

/** A number beyond Unicode becomes a byte that UTF-8 never uses, so the value is refused later. */
function utf8Of(code: number): Uint8Array {
  const isCharacter = code < 0xd800 || (code > 0xdfff && code <= 0x10ffff);
  return isCharacter ? Buffer.from(String.fromCodePoint(code)) : Buffer.of(0xff);
}
