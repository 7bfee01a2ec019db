import { isUtf8 } from "node:buffer";
import { Secret } from "../../../crypto/secret.ts";
import { InputError } from "../../../errors.ts";
import { type Doubt, doubtAbout } from "./doubts.ts";
import { isVariableName, refuseUnreadable } from "./secret-text.ts";

export interface DotenvEntry {
  readonly name: string;
  readonly value: Secret;
  /** The first line of the assignment, from 1. */
  readonly line: number;
  /** The last line of the assignment. */
  readonly lastLine: number;
  /** The column after the value on its last line, including the quote. A comment may follow. */
  readonly end: number;
  /** What tools disagree about in the value, or null. */
  readonly doubt: string | null;
}

export interface DotenvFile {
  /** Each name once, in the file's order. */
  readonly entries: readonly DotenvEntry[];
  /** All assignments, including those that a later one overrides. */
  readonly assignments: readonly DotenvEntry[];
  /** Without line ends. */
  readonly lines: readonly string[];
  /** Messages about names that are assigned twice. */
  readonly warnings: readonly string[];
  readonly doubts: readonly Doubt[];
}

/**
 * Reads a dotenv file as the `dotenv` package does. A value that opens with `'`, `"` or a backtick extends to the next
 * unescaped quote of that kind, across line ends; `\n` and `\r` are escapes between double quotes. If text follows that
 * quote, or there is no such quote, one at the end of a line closes the value even after a backslash, as in
 * `'C:\data\'`. Any other value is trimmed, and `#` starts a comment only after white space. `$` has no meaning.
 *
 * @param label the file's name in messages
 * @param options.anyName also accepts names that no variable can have, as other tools do
 * @throws InputError naming the line, but not its text, which may be a secret
 */
export function parseDotenv(bytes: Uint8Array, label: string, { anyName = false } = {}): DotenvFile {
  const lines = linesOf(bytes, label);
  const entries = new Map<string, DotenvEntry>();
  const assignments: DotenvEntry[] = [];
  const warnings: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const statement = readStatement(lines, at, label);
    at = statement.next;
    if (statement.entry === null) continue;
    const { name, line } = statement.entry;
    if (!anyName) requireVariableName(name, label, line);
    const before = entries.get(name);
    if (before !== undefined)
      warnings.push(`${label}: ${name} is on line ${before.line} and again on ${line}, which counts`);
    entries.set(name, statement.entry);
    assignments.push(statement.entry);
  }
  const doubts = [...entries.values()].flatMap(({ name, doubt: about }) => (about === null ? [] : [{ name, about }]));
  return { entries: [...entries.values()], assignments, lines, warnings, doubts };
}

function linesOf(bytes: Uint8Array, label: string): readonly string[] {
  refuseUnreadable(bytes, label);
  if (!isUtf8(bytes)) throw notText(bytes, label);
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
  /** Null for an empty line or a comment. */
  readonly entry: DotenvEntry | null;
  /** The index of the next line. */
  readonly next: number;
}

const ASSIGNMENT = /^\s*(?:export\s+)?([^\s=]+)\s*=\s*/;

function readStatement(lines: readonly string[], at: number, label: string): Statement {
  const text = lines[at] ?? "";
  if (/^\s*(?:#|$)/.test(text)) return { entry: null, next: at + 1 };
  const line = at + 1;
  const assignment = ASSIGNMENT.exec(text);
  if (/^(?:<{7}|={7}|>{7}|\|{7})(?: |$)/.test(text))
    throw fault(label, line, "is a conflict marker that git left in the file", "resolve the conflict first");
  if (assignment === null)
    throw fault(
      label,
      line,
      "is not an assignment",
      "write NAME=value; a comment begins with #, a value of several lines with a quote",
    );
  const name = assignment[1] ?? "";
  const start = assignment[0].length;
  if (!/^['"`]/.test(text.slice(start))) {
    const end = commentAt(text, start);
    const value = Secret.ofText(text.slice(start, end).trim());
    return { entry: { name, line, lastLine: line, end, value, doubt: doubtAbout(text.slice(start)) }, next: at + 1 };
  }
  const { inner, last, end } = readQuoted(lines, at, start, label);
  const quote = text[start] ?? "";
  const value = quote === '"' ? inner.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inner;
  const doubt = doubtAbout(`${quote}${inner}${quote}`);
  return { entry: { name, line, lastLine: last + 1, end, value: Secret.ofText(value), doubt }, next: last + 1 };
}

/** Quotes the name only if it looks like one: it may be half of a secret on a line of its own. */
function requireVariableName(name: string, label: string, line: number): void {
  if (isVariableName(name)) return;
  const named = /^[\w.-]{1,64}$/.test(name) ? ` ${name}` : "";
  throw fault(
    label,
    line,
    `has a name${named} that no variable can have`,
    "use letters, digits and underscores, no digit first; vsync import takes it with --upper, or with --rename=<name>=<name>",
  );
}

/** Where the value ends. White space before `start` also counts as white space before a comment. */
function commentAt(text: string, start: number): number {
  const comment = text.slice(start - 1).search(/\s#/);
  return comment === -1 ? text.length : start - 1 + comment;
}

interface Quoted {
  /** The value without its quotes. */
  readonly inner: string;
  /** The index of the value's last line. */
  readonly last: number;
  /** The column after the closing quote. */
  readonly end: number;
}

function readQuoted(lines: readonly string[], at: number, start: number, label: string): Quoted {
  const quote = lines[at]?.[start] ?? "";
  /** Closes the value if no unescaped quote does. */
  let second: Close | null = null;
  for (let last = at; last < lines.length; last++) {
    const text = lines[last] ?? "";
    for (let close = -1, from = last === at ? start + 1 : 0; ; from = close + 1) {
      close = text.indexOf(quote, from);
      if (close === -1) break;
      const isEnd = /^\s*(?:#|$)/.test(text.slice(close + 1));
      const isEscaped = close > 0 && text[close - 1] === "\\";
      const found = { last, close };
      if (isEnd && !isEscaped) return quotedTo(lines, at, start, found);
      if (isEnd) second = found;
      else if (!isEscaped && second !== null) return quotedTo(lines, at, start, second);
      else if (!isEscaped) throw goesOn(label, at, last);
    }
  }
  if (second !== null) return quotedTo(lines, at, start, second);
  throw fault(
    label,
    at + 1,
    "opens a quote that is never closed",
    "close it, or put the value between quotes of another kind",
  );
}

interface Close {
  readonly last: number;
  readonly close: number;
}

function quotedTo(lines: readonly string[], at: number, start: number, { last, close }: Close): Quoted {
  const end = close + 1;
  if (last === at) return { inner: (lines[at] ?? "").slice(start + 1, close), last, end };
  const inner = [lines[at]?.slice(start + 1), ...lines.slice(at + 1, last), lines[last]?.slice(0, close)].join("\n");
  return { inner, last, end };
}

/** Names both lines, because the mistake may be in the opening or the closing quote. */
function goesOn(label: string, at: number, last: number): InputError {
  const where = last === at ? "" : `, which is on line ${last + 1}`;
  return fault(
    label,
    at + 1,
    `continues after its closing quote${where}`,
    "put the value between quotes of another kind; what a shell quoted is read by vsync import --from=shell:<file>",
  );
}

function fault(label: string, line: number, what: string, hint: string): InputError {
  return new InputError(`${label}: line ${line} ${what}`, { hint });
}

function notText(bytes: Uint8Array, label: string): InputError {
  let line = 1;
  for (let from = 0; ; line++) {
    const end = bytes.indexOf(0x0a, from);
    if (end === -1 || !isUtf8(bytes.subarray(from, end))) break;
    from = end + 1;
  }
  return fault(
    label,
    line,
    "is not UTF-8 text",
    "save it as UTF-8; store bytes that are not text as a file: --file=<name>=<path>",
  );
}
