import { decodeUtf8, parseCanonicalJson } from "../../canonical-json.ts";
import { AccessTokenError } from "../../errors.ts";
import { fromBase64Url, toBase64Url } from "../base64.ts";
import { type At, type RefuseAt, requireObject, requireText } from "../given.ts";
import { type Grant, requireGrants } from "../grants/grant.ts";
import { type Permission, requireKnownPermissions } from "../permissions.ts";

/**
 * The form of an access token: a JWT (RFC 7515 §7.1, RFC 7519) with exactly these members in one spelling. No JWT
 * library is this strict: each lets some header or claim through that could mean something to another reader.
 */

/** The claims of an access token, in the order of writing. */
export interface AccessClaims {
  /** `vsync:<vault id>`. */
  readonly iss: string;
  /** The id of the token that signed it. */
  readonly sub: string;
  readonly aud?: string;
  /** Seconds since the epoch, like `exp`. */
  readonly iat: number;
  readonly exp: number;
  /** base64url of 16 random bytes. It identifies the token, but does not prevent replays. */
  readonly jti: string;
  readonly permissions?: readonly Permission[];
  readonly grants?: readonly Grant[];
}

/** A well-formed token whose claims have not been checked. */
export interface CompactToken {
  /** The header and the payload, as the signature covers them (RFC 7515 §5.2). */
  readonly signed: string;
  readonly signature: Uint8Array;
  /** The id of the token that supposedly signed it. */
  readonly keyId: string;
  readonly payload: Uint8Array;
}

export const MAX_TOKEN_CHARACTERS = 16 * 1024;
export const MAX_LIFE_SECONDS = 7 * 24 * 60 * 60;
const JTI_BYTES = 16;
const HEADER = /^\{"alg":"EdDSA","typ":"vsync-access\+jwt","kid":"(tok_[0-9a-f]{32})"\}$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodePart(json: object): string {
  return toBase64Url(encoder.encode(JSON.stringify(json)));
}

export function headerOf(keyId: string): object {
  return { alg: "EdDSA", typ: "vsync-access+jwt", kid: keyId };
}

/** @throws AccessTokenError malformed */
export function parseCompact(jwt: string): CompactToken {
  if (jwt.length > MAX_TOKEN_CHARACTERS) throw malformed(`it has more than ${MAX_TOKEN_CHARACTERS} characters`);
  const parts = jwt.split(".");
  const [header, payload, signature] = parts.map((part) => (part === "" ? null : fromBase64Url(part)));
  if (parts.length !== 3 || header == null || payload == null || signature == null) {
    throw malformed("it is not three parts of base64url");
  }
  const keyId = HEADER.exec(decoder.decode(header))?.[1];
  if (keyId === undefined) throw malformed("its header is not that of an access token");
  return { signed: jwt.slice(0, jwt.lastIndexOf(".")), signature, keyId, payload };
}

/**
 * @throws AccessTokenError malformed, also if `sub` is not the key's id
 */
export function parseAccessClaims({ payload, keyId }: CompactToken): AccessClaims {
  const value = parseCanonicalJson(decodeUtf8(payload, claimsFault), claimsFault);
  const at: At = { value, path: "", refuse: refuseAt };
  const claims = requireObject({ ...at, path: "JSON" });
  for (const name of Object.keys(claims)) if (!(name in FORMS)) throw refuseAt(name, "is not a claim");
  for (const [name, check] of Object.entries(FORMS)) {
    if (Object.hasOwn(claims, name)) check({ ...at, value: claims[name] ?? null, path: name });
    else if (!OPTIONAL.includes(name)) throw refuseAt(name, "is missing");
  }
  const parsed = claims as unknown as AccessClaims;
  if (parsed.sub !== keyId) throw refuseAt("sub", "must be its kid");
  if (lifeFault(parsed.exp - parsed.iat) !== null)
    throw refuseAt("exp", `must be 1\u2026${MAX_LIFE_SECONDS} s after iat`);
  return parsed;
}

export function lifeFault(seconds: number): string | null {
  const sound = Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MAX_LIFE_SECONDS;
  return sound ? null : `must live 1\u2026${MAX_LIFE_SECONDS} seconds`;
}

/** Has no prototype, or a claim named `constructor` would count as known. */
const FORMS: Readonly<Record<keyof AccessClaims, (at: At) => void>> = Object.assign(Object.create(null), {
  iss: requireText,
  sub: requireText,
  aud: requireText,
  iat: requireInteger,
  exp: requireInteger,
  jti: requireJti,
  permissions: requireKnownPermissions,
  grants: requireGrants,
});
const OPTIONAL = ["aud", "permissions", "grants"];

function requireInteger({ value, path, refuse }: At): void {
  if (typeof value !== "number") throw refuse(path, "must be an integer");
}

function requireJti(at: At): void {
  if (fromBase64Url(requireText(at))?.length !== JTI_BYTES) throw at.refuse(at.path, "must be 16 bytes of base64url");
}

const refuseAt: RefuseAt = (path, fault) => malformed(`its ${path} ${fault}`);
const claimsFault = (fault: string): AccessTokenError => malformed(`its JSON ${fault}`);

function malformed(fault: string): AccessTokenError {
  return new AccessTokenError("malformed", `malformed access token: ${fault}`);
}
