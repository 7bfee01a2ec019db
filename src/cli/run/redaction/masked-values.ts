import type { Item } from "../../../vault/format/item.ts";

/** Shorter values, like `1` and `dev`, appear in much text that is not secret. */
export const MIN_MASKED_BYTES = 4;
/** Longer values are masked only in their plain forms. */
const MAX_ENCODED_BYTES = 64 * 1024;
/** In a value with several lines, shorter lines such as `{` appear anywhere. */
const MIN_LINE_BYTES = 8;
/** Shorter pieces of base64 look like words. */
const MIN_PIECE_CHARACTERS = 6;
/** Where `base64` and `openssl` break their lines. */
const BASE64_COLUMNS = [64, 76];

/** A value below 8 characters that is one of these words is hardly secret, and masking it would ruin the output. */
const WORDS = new Set(
  `true false yes no on off null none nil auto all any both main master prod stage staging test testing dev devel develop
local live demo beta alpha debug trace info notice warn warning error fatal silent verbose quiet info http https ftp tcp udp
tls ssl utf8 utf-8 json yaml text plain html post get put root admin user users guest public private default enable enabled
disable allow deny mysql redis mongo mongodb sqlite sentry node ruby python java nginx bash sh docker linux darwin windows
amd64 arm64 utc gmt en_us en-us 0000 1000 1024 2000 2048 3000 3001 3306 4000 4096 5000 5001 5432 5672 6379 6432 8000 8025
8080 8081 8086 8088 8192 8200 8443 8500 8888 9000 9001 9090 9092 9200 9300 9418 10000 11211 15672 27017 50051 60000 86400`.split(
    /\s+/,
  ),
);

/** Bytes to mask, and the secret they belong to. */
export interface MaskedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every form of the secrets without escapes: as they are, line by line, in base64 and in hex. */
export function maskedValues(secrets: readonly Item[]): readonly MaskedValue[] {
  return secrets.filter(isMasked).flatMap(({ name, data }) =>
    formsOf(data.expose())
      .filter((bytes) => bytes.length >= MIN_MASKED_BYTES)
      .map((bytes) => ({ name, bytes })),
  );
}

/** The names of secrets that are too short or too common to mask. An empty secret needs no mask. */
export function unmaskedNames(secrets: readonly Item[]): readonly string[] {
  return secrets.filter((secret) => secret.data.expose().length > 0 && !isMasked(secret)).map(({ name }) => name);
}

function isMasked({ data }: Item): boolean {
  const value = bareOf(data.expose());
  if (data.expose().length < MIN_MASKED_BYTES) return false;
  return value.length >= MIN_LINE_BYTES || !WORDS.has(Buffer.from(value).toString().toLowerCase());
}

function formsOf(value: Uint8Array): readonly Uint8Array[] {
  const bare = bareOf(value);
  const whole = (bare.length === value.length ? [value] : [value, trimmed(value), bare]).flatMap(withOtherLineEnds);
  const plain = [...whole, ...linesOf(value)];
  if (value.length > MAX_ENCODED_BYTES) return plain;
  return [...plain, ...whole.flatMap(encodingsOf).map((form) => Buffer.from(form))];
}

/** As a program takes it that drops the white space and the quotes around a value. */
function bareOf(value: Uint8Array): Uint8Array {
  const text = trimmed(value);
  const isQuoted = text.length > 1 && QUOTES.includes(text[0] ?? 0) && text.at(-1) === text[0];
  return isQuoted ? text.subarray(1, -1) : text;
}

const QUOTES = Array.from("\"'`", (quote) => quote.charCodeAt(0));
/** Tab, line feed, carriage return and space. */
const WHITE_SPACE = [0x09, 0x0a, 0x0d, 0x20];

/** Not `trim`, because in a latin1 text that also drops a byte of `à`. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let [from, to] = [0, bytes.length];
  while (from < to && WHITE_SPACE.includes(bytes[from] ?? 0)) from++;
  while (to > from && WHITE_SPACE.includes(bytes[to - 1] ?? 0)) to--;
  return bytes.subarray(from, to);
}

/** Terminals and log shippers write CRLF for LF. */
function withOtherLineEnds(value: Uint8Array): readonly Uint8Array[] {
  if (!value.includes(0x0a)) return [value];
  const bytes = Buffer.from(value).toString("latin1").replaceAll("\r\n", "\n");
  return [value, ...[bytes, bytes.replaceAll("\n", "\r\n")].map((text) => Buffer.from(text, "latin1"))];
}

/** `\n` in one line: JSON, and a PEM key in a dotenv file. Each string in a string doubles the backslashes. */
const LINE_END = /\n|\\{1,4}(?:r\\{1,4})?n/;

/**
 * The lines of a value with several lines, because a logger may put the time before each. The armour of a PEM file is
 * not secret.
 */
function linesOf(value: Uint8Array): readonly Uint8Array[] {
  const lines = Buffer.from(value).toString("latin1").split(LINE_END);
  if (lines.length === 1) return [];
  const kept = lines.filter((line) => !/^\s*-----(?:BEGIN|END) [^\n]*-----\s*$/.test(line));
  return kept.map((line) => trimmed(Buffer.from(line, "latin1"))).filter((line) => line.length >= MIN_LINE_BYTES);
}

function encodingsOf(value: Uint8Array): readonly string[] {
  if (value.length < MIN_MASKED_BYTES) return [];
  const hex = Buffer.from(value).toString("hex");
  const pieces = [0, 1, 2].flatMap((bytesBefore) => base64Of(value, bytesBefore));
  const inUrls = pieces
    .filter((form) => /[+/]/.test(form))
    .map((form) => form.replaceAll("+", "-").replaceAll("/", "_"));
  return [...pieces, ...inUrls, hex, hex.toUpperCase()];
}

/**
 * The base64 characters that depend only on this value if other bytes, such as `user:`, come before it. They depend on
 * the number of those bytes modulo 3.
 */
function base64Of(value: Uint8Array, bytesBefore: number): readonly string[] {
  const padded = Buffer.concat([Buffer.alloc(bytesBefore), value])
    .toString("base64")
    .slice(Math.ceil((bytesBefore * 8) / 6));
  const whole = padded.replace(/=+$/, "");
  // The last character also depends on the byte that follows.
  const inside = whole.slice(0, (value.length + bytesBefore) % 3 === 0 ? undefined : -1);
  const ends = bytesBefore === 0 ? [padded, whole] : [padded, whole].filter((it) => it.length >= MIN_PIECE_CHARACTERS);
  const lines = bytesBefore === 0 ? BASE64_COLUMNS.flatMap((columns) => piecesOf(whole, columns)) : [];
  return [...ends, ...[inside, ...lines].filter((it) => it.length >= MIN_PIECE_CHARACTERS)];
}

function piecesOf(text: string, length: number): readonly string[] {
  if (text.length <= length) return [];
  return Array.from({ length: Math.ceil(text.length / length) }, (_, at) => text.slice(at * length, (at + 1) * length));
}
