import * as v from "valibot";
import { isObject, type JsonObject, type JsonValue, type Refuse } from "../../canonical-json.ts";
import { decodeBase64, encodeBase64Url } from "../../crypto/base64.ts";
import { UnsupportedSpecVersionError } from "../../errors.ts";
import type { Random } from "../../ports.ts";

/** An object with exactly these fields. */
export const exactly = v.strictObject;

/**
 * Checks `format` before all other fields, because another format may have other fields.
 *
 * @throws what `refuse` makes, if `format` is missing or not a string
 * @throws UnsupportedSpecVersionError it is an unknown one; `what` names the object
 */
export function checkFormat(value: JsonValue, expected: string, what: string, refuse: Refuse): void {
  const format = value === null ? undefined : Object.getOwnPropertyDescriptor(value, "format");
  if (typeof format?.value !== "string") throw refuse("has no format");
  if (format.value === expected) return;
  throw new UnsupportedSpecVersionError(`${what} has the unknown format ${quoted(format.value)}`);
}

/**
 * @throws what `refuse` makes, naming the field with the wrong shape
 */
export function parseShape<Schema extends v.GenericSchema>(
  shape: Schema,
  value: unknown,
  refuse: Refuse,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(shape, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const field = v.getDotPath(parsed.issues[0]) ?? "it";
  throw refuse(`has a field of the wrong form: ${quoted(field)}`);
}

const SHOWN_CHARACTERS = 64;

/** Makes a word that somebody else wrote safe to show: short, and without anything that a terminal would act on. */
export function shown(word: string): string {
  const printable = word.slice(0, SHOWN_CHARACTERS).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, "\u{fffd}");
  return word.length > SHOWN_CHARACTERS ? `${printable}\u2026` : printable;
}

/** Like `shown`, in quotes. */
export function quoted(word: string): string {
  return JSON.stringify(shown(word));
}

export const text = v.string();
/** 0…2^53−1: canonical JSON has only these numbers. */
export const count = v.number();
export const openObject = v.custom<JsonObject>(isObject);
export const sha256 = v.pipe(text, v.regex(/^[0-9a-f]{64}$/));
/** The prefix of a scoped token's slot id. Other slots never have it. */
export const TOKEN_PREFIX = "tok_";
export const slotId = v.pipe(text, v.regex(/^[A-Za-z0-9_-]{1,64}$/));
/** The id of an item or a view: 8 random bytes in hex. */
export const randomId = v.pipe(text, v.regex(/^[0-9a-f]{16}$/));
/** 16 random bytes, base64url. */
export const vaultId = v.pipe(
  text,
  v.check(
    (id) => Buffer.from(id, "base64url").toString("base64url") === id && Buffer.from(id, "base64url").length === 16,
  ),
);

export function newVaultId(random: Random): string {
  return encodeBase64Url(random.bytes(16));
}

/** Canonical standard base64 (RFC 4648 §4), of exactly `bytes` bytes if given. */
export function base64(bytes?: number) {
  return v.pipe(
    text,
    v.check((encoded) => {
      const decoded = decodeBase64(encoded);
      return decoded !== null && (bytes === undefined || decoded.length === bytes);
    }),
  );
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`, on a day that exists. */
export const instant = v.pipe(
  text,
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
  v.check((at) => {
    const date = new Date(at);
    return !Number.isNaN(date.getTime()) && date.toISOString() === at;
  }),
);
