/**
 * Base64 without `Buffer`, which browsers and Workers lack. Use it only for short values: on an index of megabytes,
 * `../crypto/base64.ts` is many times faster.
 */

/** Standard base64 (RFC 4648 §4), padded. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** By character code; -1 for characters outside the alphabet. */
const SEXTETS = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/** Null unless it is the one canonical spelling. Has its own loop, because `atob` is lax and several times slower. */
export function fromBase64(text: string): Uint8Array | null {
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  if (text.length % 4 !== 0) return null;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let [bits, count, at] = [0, 0, 0];
  for (let from = 0; from < end; from++) {
    const sextet = SEXTETS[text.charCodeAt(from)] ?? -1;
    if (sextet === -1) return null;
    bits = ((bits << 6) | sextet) & 0xfff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = bits >> count;
  }
  const strayBits = bits & ((1 << count) - 1);
  return strayBits === 0 ? bytes : null;
}

/** Null unless it is the one canonical spelling. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const padding = "=".repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
}
