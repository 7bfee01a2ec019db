import type { Item } from "../../vault/item.ts";
import { withoutLineEnd } from "../disk/without-line-end.ts";

/** Shorter values stand in too much that is no secret: `1`, `dev`. */
export const MIN_MASKED_BYTES = 4;
/** Longer values are masked as they are, not in their encodings too. */
const MAX_ENCODED_BYTES = 64 * 1024;

/** Bytes to mask, and whose value they are. */
export interface MaskedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every form in which the secrets may be printed. */
export function maskedValues(secrets: readonly Item[]): readonly MaskedValue[] {
  const forms = secrets.flatMap(({ name, data }) => formsOf(data.expose()).map((bytes) => ({ name, bytes })));
  return forms.filter(({ bytes }) => bytes.length >= MIN_MASKED_BYTES);
}

/** The names of values that are too short to mask. An empty one says nothing. */
export function unmaskedNames(secrets: readonly Item[]): readonly string[] {
  const isShort = (length: number): boolean => length > 0 && length < MIN_MASKED_BYTES;
  return secrets.filter(({ data }) => isShort(data.expose().length)).map(({ name }) => name);
}

/** As it is, less a line end at its end, and, of a value that is masked at all, as programs write it into logs and URLs. */
function formsOf(value: Uint8Array): readonly Uint8Array[] {
  const plain = [value, withoutLineEnd(value)];
  if (value.length < MIN_MASKED_BYTES || value.length > MAX_ENCODED_BYTES) return plain;
  const bytes = Buffer.from(value);
  const text = bytes.toString();
  const percent = encodeURIComponent(text);
  const padded = bytes.toString("base64");
  const encoded = [
    JSON.stringify(text).slice(1, -1),
    percent,
    percent.replaceAll("%20", "+"),
    padded,
    padded.replace(/=+$/, ""),
    bytes.toString("base64url"),
  ];
  return [...plain, ...encoded.map((form) => Buffer.from(form))];
}
