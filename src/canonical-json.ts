/** Makes the error for a fault. Its class depends on what is parsed: a manifest, a bundle or an audit row. */
export type Refuse = (fault: string) => Error;

export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MAX_NESTING = 32;
const DIGITS_ONLY = /^[0-9]+$/;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses JSON that equals its own re-serialisation (`docs/format.md`, Text forms). Because each value has only one
 * spelling, two readers cannot disagree about signed bytes.
 */
export function parseCanonicalJson(text: string, refuse: Refuse): JsonValue {
  if (nestsTooDeep(text)) throw nesting(refuse);
  return parseShallow(text, refuse);
}

/** Like `parseCanonicalJson`, for JSON as long as a bundle: see `checkExtent`. */
export function parseLongJson(text: string, refuse: Refuse): JsonValue {
  checkExtent(text, refuse);
  return parseShallow(text, refuse);
}

const nesting = (refuse: Refuse): Error => refuse(`nests more than ${MAX_NESTING} levels`);

function parseShallow(text: string, refuse: Refuse): JsonValue {
  const value = parse(text, refuse);
  if (JSON.stringify(value) !== text) throw refuse("is not in canonical form");
  checkValue(value, refuse);
  return value;
}

/** Why a value cannot be written as canonical JSON, as the end of a message, or null. */
export function canonicalFault(value: JsonValue): string | null {
  try {
    parseCanonicalJson(JSON.stringify(value), (fault) => new CanonicalFault(fault));
    return null;
  } catch (error) {
    if (error instanceof CanonicalFault) return error.message;
    throw error;
  }
}

class CanonicalFault extends Error {}

/**
 * @throws what `refuse` makes, if the bytes are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw refuse("is not UTF-8");
  }
}

function parse(text: string, refuse: Refuse): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("is not JSON");
  }
}

/** Runs before the parser, which recurses. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > MAX_NESTING) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  return false;
}

function checkValue(value: JsonValue, refuse: Refuse): void {
  if (typeof value === "number" && (!Number.isSafeInteger(value) || value < 0)) {
    throw refuse("has a number that is not an integer from 0 to 2^53−1");
  }
  if (typeof value === "string") checkText(value, refuse);
  if (typeof value !== "object" || value === null) return;
  if (isArray(value)) {
    for (const inner of value) checkValue(inner, refuse);
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    checkKey(key, refuse);
    checkValue(inner, refuse);
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function checkKey(key: string, refuse: Refuse): void {
  if (DIGITS_ONLY.test(key)) throw refuse("has a key of digits only");
  checkText(key, refuse);
}

function checkText(text: string, refuse: Refuse): void {
  if (!text.isWellFormed()) throw refuse("has a lone surrogate");
}

/**
 * Parsed JSON can take thirty times the memory of its text, which many machines lack for a header of 64 MiB. So this
 * counts the values before parsing (`docs/format.md` §8). Real bundles stay far below.
 */

const MAX_VALUES = 4 * 1024 * 1024;
const MAX_MEMBERS = 1024;

/**
 * @throws what `refuse` makes, for more values, members in one object or levels than a bundle's JSON may have
 */
export function checkExtent(text: string, refuse: Refuse): void {
  let [values, members] = [1, 0];
  /** For each enclosing object or list, the members counted so far. */
  const around: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (around.push(members) > MAX_NESTING) throw nesting(refuse);
      members = 0;
      values++;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) members = around.pop() ?? 0;
    else if (code === COLON && ++members > MAX_MEMBERS) {
      throw refuse(`has an object of more than ${MAX_MEMBERS} members`);
    } else if (code === COMMA) values++;
    if (values > MAX_VALUES) throw refuse(`has more than ${MAX_VALUES} JSON values`);
  }
}

/**
 * The end of the string that starts at `from`, or of the text if it never ends. Uses `indexOf`, because most strings
 * have no escape and a loop over characters is slow.
 */
function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length : quote;
}

/** Whether an odd number of backslashes comes before the quote at `at`. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
