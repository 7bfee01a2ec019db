import type { Secret } from "../../../crypto/secret.ts";
import { InputError } from "../../../errors.ts";
import type { NamedData } from "../../../vault/items/changes.ts";
import { type DotenvFile, parseDotenv } from "./dotenv.ts";
import { type Form, misreaders, type Reader } from "./dotenv-readers.ts";

/** Values that every reader of dotenv files, and every shell, takes literally. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=-]*$/;

type Variable = Pick<NamedData, "name" | "data">;

export interface WrittenDotenv {
  readonly bytes: Uint8Array;
  /** The secrets that are left out because no quoting preserves them. */
  readonly left: readonly NamedData[];
  /** The secrets that some other reader would misread. */
  readonly misread: readonly { readonly name: string; readonly readers: readonly Reader[] }[];
  /** The names that only the file has and that stay. */
  readonly kept: readonly string[];
}

/**
 * Writes the secrets as a dotenv file that `parseDotenv` reads back to the same names and values.
 *
 * @param local a file whose comments, order and unchanged lines are kept; without it the order is the vault's
 * @param keepsOwn whether names that only the file has stay
 */
export function writeDotenv(
  secrets: readonly NamedData[],
  local: Uint8Array | null = null,
  keepsOwn = true,
): WrittenDotenv {
  const written = new Map<string, Assignment>();
  for (const secret of secrets) {
    const assignment = assignmentOf(secret);
    if (assignment !== null) written.set(secret.name, assignment);
  }
  const left = secrets.filter(({ name }) => !written.has(name));
  const merged = local === null ? null : mergedInto(local, secrets, written, keepsOwn);
  const misread = Array.from(written, ([name, { readers }]) => ({ name, readers })).filter(
    ({ readers }) => readers.length > 0,
  );
  const lines = merged?.lines ?? Array.from(written.values(), ({ line }) => line);
  const text = lines.map((line) => `${line}\n`).join("");
  const isCrlf = merged !== null && local !== null && endsLinesInCrlf(local);
  return { bytes: Buffer.from(isCrlf ? text.replaceAll("\n", "\r\n") : text), left, misread, kept: merged?.kept ?? [] };
}

/** Decides by the first line. */
export function endsLinesInCrlf(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(0x0a);
  return end > 0 && bytes[end - 1] === 0x0d;
}

interface Merged {
  readonly lines: readonly string[];
  readonly kept: readonly string[];
}

/** Null if vsync cannot read the file. */
function mergedInto(
  local: Uint8Array,
  secrets: readonly NamedData[],
  written: ReadonlyMap<string, Assignment>,
  keepsOwn: boolean,
): Merged | null {
  const file = readOrNull(local, { anyName: true });
  if (file === null) return null;
  const wanted = new Map(secrets.map((secret) => [secret.name, secret]));
  const counting = new Set(file.entries);
  const isHere = new Set<string>();
  const lines: string[] = [];
  const kept: string[] = [];
  let from = 0;
  for (const entry of file.assignments) {
    lines.push(...file.lines.slice(from, entry.line - 1));
    from = entry.lastLine;
    if (!counting.has(entry)) continue;
    const secret = wanted.get(entry.name);
    const own = file.lines.slice(entry.line - 1, entry.lastLine);
    isHere.add(entry.name);
    if (secret === undefined && !keepsOwn) continue;
    if (secret === undefined) kept.push(entry.name);
    if (secret === undefined || isSame(entry.value, secret.data)) lines.push(...own);
    else {
      const [prefix = ""] = /^\s*export\s+(?=[^=\s])/.exec(own[0] ?? "") ?? [];
      const assignment = written.get(entry.name);
      if (assignment === undefined) continue;
      const comment = (own.at(-1) ?? "").slice(entry.end).trim();
      const commented = `${assignment.line} ${comment}`;
      const isKept = comment !== "" && readsBack(commented, secret.name, secret.data);
      lines.push(`${prefix}${isKept ? commented : assignment.line}`);
    }
  }
  lines.push(...file.lines.slice(from));
  if (lines.at(-1) === "") lines.pop();
  for (const [name, { line }] of written) if (!isHere.has(name)) lines.push(line);
  return { lines, kept };
}

const isSame = (a: Secret, b: Secret): boolean => Buffer.compare(a.expose(), b.expose()) === 0;

interface Assignment {
  /** `NAME=value`, quoted if necessary, without its line end. */
  readonly line: string;
  readonly readers: readonly Reader[];
}

/** `NAME=value`, quoted if necessary, without the line end; null if no quoting preserves the value. */
export function dotenvAssignment(variable: Variable): string | null {
  return assignmentOf(variable)?.line ?? null;
}

/** Whether a dotenv file can hold the item: not a file, nor a value that no quoting preserves. */
export function fitsDotenv(item: NamedData): boolean {
  return item.kind === "secret" && assignmentOf(item) !== null;
}

/** Picks the form that the fewest readers misread. */
function assignmentOf({ name, data }: Variable): Assignment | null {
  const value = data.exposeText();
  const found = formsOf(value)
    .map(([form, text]) => ({ line: `${name}=${text}`, readers: misreaders(value, form) }))
    .filter(({ line }) => readsBack(line, name, data))
    .toSorted((a, b) => a.readers.length - b.readers.length)[0];
  return found ?? null;
}

/** The most portable form first: shells change nothing in single quotes. */
function formsOf(value: string): readonly (readonly [Form, string])[] {
  if (PLAIN.test(value)) return [["plain", value]];
  // A shell joins a line that ends in a backslash with the next one, so an empty line follows.
  const bare: readonly [Form, string] = ["bare", value.endsWith("\\") ? `${value}\n` : value];
  // A backslash before the closing quote may escape it.
  if (value.endsWith("\\")) return [bare];
  const quoted = [
    ["single", "'", value],
    ["double", '"', value.replaceAll("\r", "\\r")],
    ["backtick", "`", value],
  ] as const;
  // Do not escape a quote inside its own kind: only vsync and dotenv would understand that.
  const free = quoted.filter(([, quote]) => !value.includes(quote));
  return [...free.map(([form, quote, text]) => [form, `${quote}${text}${quote}`] as const), bare];
}

/** Tries each value, because the rules have corner cases (`\n` in double quotes). */
function readsBack(line: string, name: string, data: Secret): boolean {
  const { entries } = readOrNull(Buffer.from(`${line}\n`)) ?? { entries: [] };
  const [entry] = entries;
  return entries.length === 1 && entry?.name === name && isSame(entry.value, data);
}

/** Null if it is not a dotenv file. */
export function readOrNull(bytes: Uint8Array, options?: { readonly anyName: boolean }): DotenvFile | null {
  try {
    return parseDotenv(bytes, "this", options);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
