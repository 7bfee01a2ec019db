import {
  decodeUtf8,
  isObject,
  type JsonObject,
  type JsonValue,
  parseCanonicalJson,
  type Refuse,
} from "../canonical-json.ts";
import { fromBase64Url, toBase64Url } from "../tokens/base64.ts";
import { type UsageMap, usageFault } from "./meters.ts";

/**
 * How an origin reports a request's usage, in the response header `Vsync-Usage`: a JWS (RFC 7515 §7.1) with exactly
 * these members in one spelling (docs/format.md, Usage in a response).
 */

/** The header's name in lower case, as in Node.js and Fetch. */
export const USAGE_HEADER = "vsync-usage";
export const MAX_STATEMENT_CHARACTERS = 4096;

/** The claims, in the order in which they are written. */
export interface UsageClaims {
  /** `vsync:<vault id>`. */
  readonly iss: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** The id that the gateway signed, so usage of one request cannot be used for another. */
  readonly request_id: string;
  readonly route_id: string;
  /** Empty in a pending statement. */
  readonly usage: UsageMap;
  /** Anything that the app wants to see later, such as a model's name. */
  readonly context?: JsonObject;
  /** Units of a wallet. */
  readonly credits?: UsageMap;
  /** The usage follows in an event with the request's id. */
  readonly pending?: true;
}

/** A well-formed statement whose claims have not been checked. */
export interface CompactStatement {
  /** The header and the payload, as the signature covers them (RFC 7515 §5.2). */
  readonly signed: string;
  readonly signature: Uint8Array;
  /** The id of the token that supposedly signed it. */
  readonly keyId: string;
  readonly payload: Uint8Array;
}

/** Signs statements: the token of an origin. */
export interface UsageSigner {
  /** The vault's id. */
  readonly vault: string;
  /** The token's id. */
  readonly id: string;
  /** Ed25519. Returns 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

const encoder = new TextEncoder();
const HEADER = /^\{"alg":"EdDSA","typ":"vsync-usage\+jwt","kid":"(tok_[0-9a-f]{32})"\}$/;
const NAMES = ["iss", "iat", "request_id", "route_id", "usage", "context", "credits", "pending"] as const;

/** A statement in compact form. Ed25519 is deterministic, so the same claims give the same statement. */
export function signStatement(signer: UsageSigner, claims: Omit<UsageClaims, "iss">): string {
  const iss = `vsync:${signer.vault}`;
  const signed = `${encodePart({ alg: "EdDSA", typ: "vsync-usage+jwt", kid: signer.id })}.${encodePart(
    ordered({ ...claims, iss }),
  )}`;
  return `${signed}.${toBase64Url(signer.sign(encoder.encode(signed)))}`;
}

function encodePart(json: object): string {
  return toBase64Url(encoder.encode(JSON.stringify(json)));
}

function ordered(claims: UsageClaims): object {
  return Object.fromEntries(
    NAMES.filter((name) => claims[name] !== undefined).map((name) => [name, claims[name]] as const),
  );
}

/**
 * @throws what `refuse` makes, if it is malformed
 */
export function parseStatement(jwt: string, refuse: Refuse): CompactStatement {
  if (jwt.length > MAX_STATEMENT_CHARACTERS) throw refuse(`has more than ${MAX_STATEMENT_CHARACTERS} characters`);
  const parts = jwt.split(".");
  const [header, payload, signature] = parts.map((part) => (part === "" ? null : fromBase64Url(part)));
  if (parts.length !== 3 || header == null || payload == null || signature == null) {
    throw refuse("is not three parts of base64url");
  }
  const keyId = HEADER.exec(decodeUtf8(header, refuse))?.[1];
  if (keyId === undefined) throw refuse("does not have the header of usage");
  return { signed: jwt.slice(0, jwt.lastIndexOf(".")), signature, keyId, payload };
}

/**
 * @throws what `refuse` makes, if a claim is unknown or malformed
 */
export function parseUsageClaims({ payload }: CompactStatement, refuse: Refuse): UsageClaims {
  const claims = parseCanonicalJson(decodeUtf8(payload, refuse), refuse);
  if (!isObject(claims)) throw refuse("is not an object");
  const unknown = Object.keys(claims).find((name) => !NAMES.some((known) => known === name));
  if (unknown !== undefined) throw refuse(`has the unknown claim ${JSON.stringify(unknown.slice(0, 64))}`);
  for (const [name, faultIn] of Object.entries(FORMS)) {
    const fault = faultIn(claims[name], claims);
    if (fault !== null) throw refuse(`has a claim ${name} that ${fault}`);
  }
  return claims as unknown as UsageClaims;
}

type FaultIn = (value: JsonValue | undefined, claims: JsonObject) => string | null;

const isText: FaultIn = (value) => (typeof value === "string" ? null : "must be a string");

const FORMS: Readonly<Record<keyof UsageClaims, FaultIn>> = {
  iss: isText,
  iat: (value) => (typeof value === "number" ? null : "must be an integer"),
  request_id: (value) => (typeof value === "string" && value !== "" ? null : "must be a non-empty string"),
  route_id: isText,
  usage: (value, { pending }) => (pending === undefined ? usageFault(value, 1) : pendingFault(value)),
  context: (value) => (value === undefined || isObject(value) ? null : "must be an object"),
  credits: (value) => (value === undefined ? null : usageFault(value, 1)),
  pending: (value) => (value === undefined || value === true ? null : "must be true"),
};

function pendingFault(value: JsonValue | undefined): string | null {
  return isObject(value) && Object.keys(value).length === 0 ? null : "must be empty while it is pending";
}
