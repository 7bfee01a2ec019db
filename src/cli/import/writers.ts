import { InputError } from "../../errors.ts";
import { type ImportedItems, type Place, placeAt } from "./imported-items.ts";
import { closingQuote, ESCAPES, readShell } from "./shell.ts";

/**
 * How other tools write a dotenv file, by the rules in their sources of November 2026. Read by another tool's rules, a
 * file still looks right but gives other values.
 */

export const WRITERS = ["chamber", "doppler", "heroku", "vercel", "sops", "compose", "shell"] as const;
export type Writer = (typeof WRITERS)[number];
type Tool = Exclude<Writer, "shell">;

/** The command that prints the same secrets as JSON, which is unambiguous. */
const AS_JSON: Readonly<Record<Tool, string>> = {
  chamber: "chamber export --format json <service>",
  doppler: "doppler secrets download --no-file --format json",
  heroku: "heroku config --json",
  vercel: "the dashboard: vercel env pull has no JSON",
  sops: "sops decrypt --output-type json <file>",
  compose: "docker compose config --environment",
};

/**
 * @throws InputError naming the line: this tool does not write such a line
 */
export function readWritten(writer: Writer, text: string, label: string, imported: ImportedItems): void {
  if (writer === "shell") return readShell(text, label, imported);
  if (writer === "doppler") return readDoppler(text, label, imported);
  if (writer === "compose") return readCompose(text, label, imported);
  const lines = linesOf(text);
  const decode = { chamber: chamberValue, heroku: herokuValue(lines), vercel: vercelValue, sops: sopsValue }[writer];
  for (const [index, line] of lines.entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const place = placeAt(label, index + 1);
    const [, name = "", written] = /^([^=]*)=(.*)$/s.exec(line) ?? [];
    const value = written === undefined ? null : decode(written);
    if (value === null) throw foreign(place, writer);
    if (value.isLeftOut) imported.warn(`${place}: ${name} is left out: ${value.doubt}`);
    else imported.addSecret(name, value.text, place);
    if (value.doubt !== undefined && !value.isLeftOut) {
      imported.warn(`${place}: ${name} ${value.doubt}; to be sure, take it from ${AS_JSON[writer]}`);
    }
  }
}

interface Decoded {
  readonly text: string;
  /** Follows the name in a warning. */
  readonly doubt?: string | undefined;
  readonly isLeftOut?: boolean;
}

function foreign(place: Place, writer: Tool): InputError {
  return new InputError(`${place} is not how ${writer} writes it`, {
    hint: `read the file by dotenv's rules with --from=<file> --format=dotenv, or take JSON from ${AS_JSON[writer]}`,
  });
}

/** Drops the CRs if every line ends in CRLF. A single CR belongs to its value. */
function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  const isCrlf = lines.every((line, index) => line.endsWith("\r") || (line === "" && index === lines.length - 1));
  return isCrlf ? lines.map((line) => line.replace(/\r$/, "")) : lines;
}

const LINE_ENDS: Readonly<Record<string, string>> = { n: "\n", r: "\r" };

/**
 * chamber always uses double quotes, with a backslash before `\`, `"`, `!`, `$` and the backtick. A line end is `\n` or
 * `\r`.
 */
function chamberValue(written: string): Decoded | null {
  const [, inner] = /^"(.*)"$/s.exec(written.replace(/\r$/, "")) ?? [];
  if (inner === undefined || /[\\"!$`]/.test(inner.replaceAll(/\\[nr\\"!$`]/g, ""))) return null;
  return { text: inner.replaceAll(/\\(.)/gs, (_, character: string) => LINE_ENDS[character] ?? character) };
}

/**
 * heroku quotes a value with a character that is special to a shell. It uses double quotes if the value has a line end
 * or `'`, with backslashes before `"`, `\`, `$`, the backtick and `!`; otherwise single quotes, where older releases
 * double each backslash.
 */
function herokuValue(lines: readonly string[]): (written: string) => Decoded | null {
  const isLiteral = lines.some((line) => /^[^=]*='/.test(line) && /(?:^|[^\\])(?:\\\\)*\\(?!\\)/.test(line));
  return (given) => {
    const written = given.replace(/\r$/, "");
    const [, quote, inner = ""] = /^(["'])(.*)\1$/s.exec(written) ?? [];
    if (quote === undefined) return /["'\s]/.test(written) ? null : { text: written };
    if (quote === '"') {
      if (/[^\\](?:\\\\)*"/.test(` ${inner}`)) return null;
      return { text: inner.replaceAll(/\\(.)/gs, (_, character: string) => (character === "n" ? "\n" : character)) };
    }
    if (inner.includes("'")) return null;
    if (isLiteral || !inner.includes("\\")) return { text: inner };
    const doubt = "was read as an older heroku writes it, with each backslash doubled";
    return { text: inner.replaceAll("\\\\", "\\"), doubt };
  };
}

/** vercel always uses double quotes and escapes only line ends, which then look like a literal `\n`. */
function vercelValue(written: string): Decoded | null {
  const [, inner] = /^"(.*)"$/s.exec(written.replace(/\r$/, "")) ?? [];
  if (inner === undefined) return null;
  if (inner === "[SENSITIVE]")
    return { text: "", isLeftOut: true, doubt: "Vercel never exports the value of a sensitive variable" };
  return withLineEnds(inner, /\\([nr])/g);
}

/** sops uses neither quotes nor comments. A line end is `\n`, and so is a literal `\n`. */
function sopsValue(written: string): Decoded {
  return withLineEnds(written, /\\(n)/g);
}

/** In a PEM key, `\n` certainly means a line end; in JSON and Windows paths it certainly does not. */
function withLineEnds(inner: string, escape: RegExp): Decoded {
  const text = inner.replaceAll(escape, (_, letter: string) => LINE_ENDS[letter] ?? "");
  const isDoubtful = text !== inner && (/^\s*[{[]/.test(text) || /\\/.test(text));
  return {
    text,
    doubt: isDoubtful ? "has \\n, which was read as a line end but may be the two characters" : undefined,
  };
}

/** doppler uses double quotes, with a backslash only before `\` and `"`. Line ends and `$` are written as they are. */
function readDoppler(text: string, label: string, imported: ImportedItems): void {
  const start = /[ \t\r\n]*(?:#[^\n]*\n[ \t\r\n]*)*([^="\s]+)="/y;
  const plain = /[^"\\]*/y;
  for (let at = 0; text.slice(at).trim() !== ""; ) {
    start.lastIndex = at;
    const name = start.exec(text)?.[1];
    const place = placeAt(label, lineAt(text, at));
    if (name === undefined) throw foreign(place, "doppler");
    const parts: string[] = [];
    for (at = start.lastIndex; ; ) {
      plain.lastIndex = at;
      const part = plain.exec(text)?.[0] ?? "";
      parts.push(part);
      at += part.length;
      if (text[at] !== "\\") break;
      if (!/["\\]/.test(text[at + 1] ?? "")) throw foreign(place, "doppler");
      parts.push(text[at + 1] ?? "");
      at += 2;
    }
    const after = /^"[ \t\r]*(?:\n|$)/.exec(text.slice(at, at + 200));
    if (after === null) throw foreign(place, "doppler");
    at += after[0].length;
    imported.addSecret(name, parts.join(""), place);
  }
}

function lineAt(text: string, at: number): number {
  const start = at + (/^\s*/.exec(text.slice(at, at + 10_000))?.[0].length ?? 0);
  return text.slice(0, start).split("\n").length;
}

/**
 * Reads a file as Docker Compose does: escapes between double quotes, `$$` for `$` except between single quotes, and
 * references to names further up in the file.
 */
function readCompose(text: string, label: string, imported: ImportedItems): void {
  const values = new Map<string, string>();
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const place = placeAt(label, index + 1);
    const line = (lines[index] ?? "").trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [head, name = ""] = /^(?:export\s+)?([\w.[\]-]+)\s*[=:][^\S\n]*/.exec(line) ?? [];
    if (head === undefined) throw foreign(place, "compose");
    let rest = line.slice(head.length);
    const quote = rest[0] === '"' || rest[0] === "'" ? rest[0] : null;
    if (quote !== null) {
      let close = closingQuote(rest, 1, quote);
      while (close === -1 && index + 1 < lines.length) {
        rest += `\n${lines[++index]}`;
        close = closingQuote(rest, 1, quote);
      }
      if (close === -1 || !/^\s*(?:#|$)/.test(rest.slice(close + 1))) throw foreign(place, "compose");
      rest = rest.slice(1, close).replaceAll(`\\${quote}`, quote);
    } else rest = (rest.split(" #")[0] ?? "").trimEnd();
    const written = quote === '"' ? composeEscapes(rest) : rest;
    values.set(name, quote === "'" ? written : substituted(written, values, place));
    imported.addSecret(name, values.get(name) ?? "", place);
  }
}

const COMPOSE_ESCAPES: Readonly<Record<string, string>> = { ...ESCAPES, $: "$$" };

function composeEscapes(text: string): string {
  return text.replaceAll(/\\(?:([abfnrtv$"\\])|0([0-3][0-7]{2}))/g, (_, letter?: string, octal = "") =>
    letter === undefined ? String.fromCharCode(Number.parseInt(octal, 8)) : (COMPOSE_ESCAPES[letter] ?? letter),
  );
}

function substituted(text: string, values: ReadonlyMap<string, string>, place: Place): string {
  return text.replaceAll(/\$(?:\$|([A-Za-z_]\w*)|\{([^}]*)\}?)/g, (whole, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return "$";
    const value = values.get(name);
    if (value !== undefined) return value;
    const shown = /^\w{1,64}$/.test(name) ? ` ${whole}` : "";
    throw new InputError(`${place} refers to a variable${shown} that the file does not set above`, {
      hint: `write its value there, or $$ for a literal $; ${AS_JSON.compose} prints what Compose makes of it`,
    });
  });
}
