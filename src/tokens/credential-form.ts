import { ConfigInvalidError } from "../errors.ts";
import { type Oddity, oddityOf } from "../oddities.ts";
import { fromBase64Url, toBase64Url } from "./base64.ts";

/**
 * The text of a credential: `vsrt_<kind>_<base64url(seed[32] ‖ check[4])>` (docs/format.md, Credential). The caller
 * passes SHA-256, because loading one that also runs in browsers takes longer than everything else in reading a runtime
 * token.
 */

export const TOKEN_KINDS = ["live", "test"] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** SHA-256 of bytes, 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const SEED_BYTES = 32;
const CHECK_BYTES = 4;
const LENGTH = "vsrt_live_".length + ((SEED_BYTES + CHECK_BYTES) * 4) / 3;
const encoder = new TextEncoder();

/**
 * Reads a credential strictly. The error quotes no part of it.
 *
 * @throws ConfigInvalidError prefix, kind, length or alphabet is wrong, or the check fails because of a typo
 */
export function readCredentialText(text: string, sha256: Sha256): { kind: TokenKind; seed: Uint8Array } {
  const kind = TOKEN_KINDS.find((name) => text.startsWith(`vsrt_${name}_`));
  if (kind === undefined) throw invalid("it does not start with vsrt_live_ or vsrt_test_", text);
  if (text.length !== LENGTH)
    throw invalid(`it has ${text.length} characters, not ${LENGTH}; it may be cut or wrapped`, text);
  const bytes = fromBase64Url(text.slice(`vsrt_${kind}_`.length));
  if (bytes === null) throw invalid("it has a character that credentials do not have", text);
  const seed = bytes.slice(0, SEED_BYTES);
  if (checkOf(kind, seed, sha256).some((byte, at) => byte !== bytes[SEED_BYTES + at])) {
    throw invalid("its check fails; a character may have been changed", text);
  }
  bytes.fill(0);
  return { kind, seed };
}

export function writeCredentialText(kind: TokenKind, seed: Uint8Array, sha256: Sha256): string {
  const bytes = concat(seed, checkOf(kind, seed, sha256));
  const text = `vsrt_${kind}_${toBase64Url(bytes)}`;
  bytes.fill(0);
  return text;
}

/** Bytes 32 to 35, which reveal a typo before anything is fetched. */
function checkOf(kind: TokenKind, seed: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(concat(encoder.encode(`vsync-credential-v1|${kind}|`), seed)).subarray(0, CHECK_BYTES);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** HKDF's `info` for the two private keys of a credential. */
export const RECIPIENT_INFO = "vsync-token-recipient-v1";
export const SIGNING_INFO = "vsync-token-signing-v1";

/**
 * The id of the token with these two public keys, 32 bytes each. Readers of stored keys compare it, because otherwise
 * somebody could store other keys under an id.
 */
export function idOfKeys(recipient: Uint8Array, signing: Uint8Array, sha256: Sha256): string {
  const digest = sha256(concat(encoder.encode("vsync-token-id-v1|"), recipient, signing));
  return `tok_${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function isTokenId(text: string): boolean {
  return /^tok_[0-9a-f]{32}$/.test(text);
}

const ODDITIES: readonly Oddity[] = [
  [/^vsync-cfg-v1:.*/s, "is a runtime token, which belongs in VSYNC_CONFIG"],
  [/^[.~]{0,2}\/.*/s, "is a path, which belongs in VSYNC_TOKEN_FILE"],
  [/(?<=[\w-]{20}\s?)vsrt_.*/s, "holds the token twice"],
  [/\s/g, "has white space in it"],
];

function invalid(fault: string, text: string): ConfigInvalidError {
  const oddity = oddityOf(text, ODDITIES);
  const asPrinted = "set it to exactly what `vsync tokens create` printed";
  return new ConfigInvalidError(`invalid scoped token: ${fault}`, {
    hint: oddity === null ? `${asPrinted}; \`vsync tokens rotate\` makes a new one` : `${oddity}; ${asPrinted}`,
  });
}
