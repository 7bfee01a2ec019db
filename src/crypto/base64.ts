/** Strict standard base64 (RFC 4648 §4): canonical and padded. Null for anything else. */
export function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

/**
 * Decodes text that a parser has already checked.
 *
 * @throws TypeError the text is not canonical base64 after all
 */
export function decodeCheckedBase64(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === null) throw new TypeError("unchecked base64");
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** base64url without padding (RFC 4648 §5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}
