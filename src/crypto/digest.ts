import { createHash, createHmac, createSecretKey } from "node:crypto";

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** SHA-256 as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * HMAC-SHA256 (RFC 2104) of all parts, 32 bytes. Makes a key object, because Node.js takes four times as long for a key
 * given as bytes. Takes parts, because joining them could leave a copy of a key.
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", createSecretKey(key));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
