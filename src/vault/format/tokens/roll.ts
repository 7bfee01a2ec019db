import * as v from "valibot";
import type { JsonValue } from "../../../canonical-json.ts";
import { type Claims, parseClaims } from "../../../tokens/claims.ts";
import { refuseBundle } from "../bundle-header.ts";
import { actorShape } from "../manifest.ts";
import { base64, count, exactly, instant, openObject, parseShape, text } from "../shape.ts";

/** The largest roll, and the most that its live records may take. */
export const MAX_ROLL_BYTES = 1024 * 1024;
export const MAX_TOMBSTONES = 256;
export const MAX_ENDED_RECORDS = 1024;

export const gatewayKeysShape = v.array(
  exactly({
    kid: text,
    public: base64(32),
    not_before: v.exactOptional(instant),
    not_after: v.exactOptional(instant),
    backends: v.exactOptional(v.array(text)),
  }),
);

/** Keys that usage is sealed to. Slots name the last one; the others still open usage sealed earlier. */
const usageKeysShape = v.pipe(v.array(exactly({ public: base64(32), private: base64(32) })), v.minLength(1));

const recordShape = exactly({
  claims: openObject,
  last_four: v.pipe(text, v.regex(/^[A-Za-z0-9_-]{4}$/)),
  recipient: base64(32),
  signing: base64(32),
  created_by: actorShape,
  replaces: v.exactOptional(text),
  revoked_at: v.exactOptional(instant),
  min_iat: v.exactOptional(count),
});
/** What operators know of one token (`docs/format.md` §4). */
export type TokenRecord = Omit<v.InferOutput<typeof recordShape>, "claims"> & { readonly claims: Claims };

const rollShape = exactly({
  tokens: v.array(recordShape),
  settings: v.exactOptional(openObject),
  gateway_keys: v.exactOptional(gatewayKeysShape),
  usage_keys: v.exactOptional(usageKeysShape),
});
/** All tokens of a vault in the order of their creation, and the settings that apply to all of them. */
export type Roll = Omit<v.InferOutput<typeof rollShape>, "tokens"> & { readonly tokens: readonly TokenRecord[] };

export const EMPTY_ROLL: Roll = { tokens: [] };

/**
 * @throws BundleCorruptError the box has the wrong form
 */
export function parseRoll(content: JsonValue): Roll {
  const refuse = (fault: string) => refuseBundle(`has a roll that ${fault}`);
  const fields = parseShape(rollShape, content, refuse);
  const tokens = fields.tokens.map((record) => ({ ...record, claims: parseClaims(record.claims, refuse) }));
  if (new Set(tokens.map(({ claims }) => claims.id)).size === tokens.length) return { ...fields, tokens };
  throw refuse("has a token twice");
}

/** Whether the roll holds nothing: neither tokens, past or present, nor settings. */
export function isEmptyRoll({ tokens, ...others }: Roll): boolean {
  return tokens.length === 0 && Object.keys(others).length === 0;
}

/** The bytes of the box. */
export function encodeRoll(roll: Roll): Uint8Array {
  return Buffer.from(JSON.stringify(roll));
}

/** Whether a token may still read at `atMs`: it is neither revoked nor expired. */
export function isLive(record: TokenRecord, atMs: number): boolean {
  return endedAt(record, atMs) === null;
}

export function liveIn({ tokens }: Roll, atMs: number): readonly TokenRecord[] {
  return tokens.filter((record) => isLive(record, atMs));
}

/**
 * When a token ended, `YYYY-MM-DDTHH:MM:SS.mmmZ`; null if it is live at `atMs`. A revocation takes precedence over
 * expiry.
 */
export function endedAt({ revoked_at, claims: { not_after } }: TokenRecord, atMs: number): string | null {
  if (revoked_at !== undefined) return revoked_at;
  return not_after !== undefined && Date.parse(not_after) <= atMs ? not_after : null;
}
