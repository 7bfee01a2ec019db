import { nodeCrypto } from "../../tokens/node-crypto.ts";

/** SHA-256 of no bytes. */
export const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** Up to this size, hashing takes less time than passing the bytes to another thread. */
const SMALL_BYTES = 256 * 1024;

/** SHA-256 in lower-case hex. */
export async function hashBody(body: Uint8Array): Promise<string> {
  if (body.length === 0) return EMPTY_HASH;
  const node = body.length <= SMALL_BYTES ? nodeCrypto() : null;
  if (node !== null) return node.hash("sha256", body, "hex");
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += HEX[byte];
  return hex;
}

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
