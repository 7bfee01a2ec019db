/** Makes the error for a fault: in a manifest, a bundle and an audit row the same fault has different classes. */
export type Refuse = (fault: string) => Error;

export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

const MAX_NESTING = 32;
const DIGITS_ONLY = /^[0-9]+$/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses JSON that is its own re-serialisation (`docs/format.md`, Text forms): one way only to write each value, so that
 * two readers can never disagree about what was signed.
 */
export function parseCanonicalJson(text: string, refuse: Refuse): JsonValue {
  if (nestsTooDeep(text)) throw refuse(`nests more than ${MAX_NESTING} levels`);
  const value = parse(text, refuse);
  if (JSON.stringify(value) !== text) throw refuse("is not its own re-serialisation");
  checkValue(value, refuse);
  return value;
}

/** What keeps a value from being written as canonical JSON, for a message; null where nothing does. */
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

/** @throws what `refuse` makes, where the bytes are not UTF-8 */
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

/** Looks at the text, before any parser can be made to recurse. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") {
      if (++depth > MAX_NESTING) return true;
    } else if (character === "]" || character === "}") depth--;
  }
  return false;
}

function checkValue(value: JsonValue, refuse: Refuse): void {
  if (typeof value === "number" && (!Number.isSafeInteger(value) || value < 0)) {
    throw refuse("has a number that is no integer from 0 to 2^53−1");
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
