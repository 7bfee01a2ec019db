import { isUtf8 } from "node:buffer";
import { parse } from "dotenv";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { isVariableName, refuseUtf16 } from "./secret-text.ts";

export interface DotenvEntry {
  readonly name: string;
  readonly value: Secret;
  /** Of the start of the assignment, from 1. */
  readonly line: number;
}

export interface DotenvFile {
  /** Each name once, in the order of the file. */
  readonly entries: readonly DotenvEntry[];
  /** About names that are assigned twice. */
  readonly warnings: readonly string[];
}

/**
 * Reads a dotenv file. A value that opens with `'`, `"` or a backtick extends to the next such quote without a backslash
 * before it, across line ends, and the `dotenv` package reads it (`\n` and `\r` are escapes between double quotes). Any
 * other value is trimmed, and `#` starts a comment only after white space. `$` has no meaning.
 *
 * @param label the file's name in messages
 * @throws InputError naming the line, but not its text, which may be a secret
 */
export function parseDotenv(bytes: Uint8Array, label: string): DotenvFile {
  const lines = linesOf(bytes, label);
  const entries = new Map<string, DotenvEntry>();
  const warnings: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const statement = readStatement(lines, at, label);
    at = statement.next;
    if (statement.entry === null) continue;
    const { name, line } = statement.entry;
    const before = entries.get(name);
    if (before !== undefined)
      warnings.push(`${label}: ${name} is on line ${before.line} and again on ${line}, which counts`);
    entries.set(name, statement.entry);
  }
  return { entries: [...entries.values()], warnings };
}

function linesOf(bytes: Uint8Array, label: string): readonly string[] {
  refuseUtf16(bytes, label);
  if (!isUtf8(bytes)) throw notText(label);
  const text = new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n");
  const zero = text.indexOf("\0");
  if (zero === -1) return text.split("\n");
  throw fault(
    label,
    text.slice(0, zero).split("\n").length,
    "has a NUL character",
    "store bytes that are not text as a file: --file=<name>=<path>",
  );
}

interface Statement {
  /** Null for an empty line and a comment. */
  readonly entry: DotenvEntry | null;
  /** The index of the line after it. */
  readonly next: number;
}

const ASSIGNMENT = /^\s*(?:export\s+)?([^\s=]+)\s*=\s*/;

function readStatement(lines: readonly string[], at: number, label: string): Statement {
  const text = lines[at] ?? "";
  if (/^\s*(?:#|$)/.test(text)) return { entry: null, next: at + 1 };
  const line = at + 1;
  const assignment = ASSIGNMENT.exec(text);
  if (assignment === null)
    throw fault(
      label,
      line,
      "is not an assignment",
      "write NAME=value; a comment begins with #, a value of several lines with a quote",
    );
  const name = checkName(assignment[1] ?? "", label, line);
  const start = assignment[0].length;
  if (!/^['"`]/.test(text.slice(start))) {
    return { entry: { name, line, value: Secret.ofText(unquoted(text, start)) }, next: at + 1 };
  }
  const { quoted, last } = readQuoted(lines, at, start, label);
  // Its other parser is a regular expression that a value of some MiB overflows.
  const value = parse(`K=${quoted}`, { fast: true })["K"];
  if (value === undefined) throw fault(label, line, "has a value that cannot be read", "put it between other quotes");
  return { entry: { name, line, value: Secret.ofText(value) }, next: last + 1 };
}

/** A message repeats the name only if it looks like one: it may be half a secret on a line of its own. */
function checkName(name: string, label: string, line: number): string {
  if (isVariableName(name)) return name;
  const named = /^[\w.-]{1,64}$/.test(name) ? ` ${name}` : "";
  throw fault(
    label,
    line,
    `has a name${named} that no variable can have`,
    "use letters, digits and underscores, no digit first",
  );
}

/** White space before the value counts as white space before a comment, too. */
function unquoted(text: string, start: number): string {
  const comment = text.slice(start - 1).search(/\s#/);
  return (comment === -1 ? text.slice(start) : text.slice(start, start + comment)).trim();
}

interface Quoted {
  /** With its quotes. */
  readonly quoted: string;
  /** The index of its last line. */
  readonly last: number;
}

function readQuoted(lines: readonly string[], at: number, start: number, label: string): Quoted {
  const quote = lines[at]?.[start] ?? "";
  for (let last = at; last < lines.length; last++) {
    const text = lines[last] ?? "";
    const close = closingQuote(text, quote, last === at ? start + 1 : 0);
    if (close === -1) continue;
    if (!/^\s*(?:#|$)/.test(text.slice(close + 1))) {
      throw fault(label, last + 1, "goes on after the closing quote", "put the value between quotes of another kind");
    }
    const head = last === at ? "" : [lines[at]?.slice(start), ...lines.slice(at + 1, last), ""].join("\n");
    return { quoted: head + text.slice(last === at ? start : 0, close + 1), last };
  }
  throw fault(
    label,
    at + 1,
    "opens a quote that is never closed",
    "close it, or put the value between quotes of another kind",
  );
}

function closingQuote(text: string, quote: string, from: number): number {
  let at = text.indexOf(quote, from);
  while (at > 0 && text[at - 1] === "\\") at = text.indexOf(quote, at + 1);
  return at;
}

function fault(label: string, line: number, what: string, hint: string): InputError {
  return new InputError(`${label}: line ${line} ${what}`, { hint });
}

function notText(label: string): InputError {
  return new InputError(`${label} is not UTF-8 text`, {
    hint: "save it as UTF-8; store bytes that are not text as a file: --file=<name>=<path>",
  });
}
