import { decodeUtf8, type Refuse } from "../canonical-json.ts";
import { decodeBase64, encodeBase64 } from "../crypto/base64.ts";
import { hpkeOpen } from "../crypto/hpke.ts";
import { hpkeSealNow } from "../crypto/hpke-seal.ts";

/**
 * The form of every object under `usage/`: a line of JSON, its signature, then content sealed to the vault's usage key
 * (docs/format.md, Usage batches). Its writer cannot read it again.
 */

/** HPKE's `info`, as in src/crypto/slot.ts. */
const INFO = new TextEncoder().encode("vsync-usage-v1");
const ENC_BYTES = 32;
const NEWLINE = 0x0a;

export interface SignedObject {
  readonly line: string;
  /** Null if it is not base64. */
  readonly signature: Uint8Array | null;
  readonly sealed: Uint8Array;
}

export function encodeSigned(line: string, signature: Uint8Array, sealed: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`${line}\n${encodeBase64(signature)}\n`), sealed]));
}

/**
 * Splits an object without verifying anything. Null if a part is missing.
 *
 * @throws what `refuse` makes
 */
export function splitSigned(bytes: Uint8Array, refuse: Refuse): SignedObject | null {
  const first = bytes.indexOf(NEWLINE);
  const second = bytes.indexOf(NEWLINE, first + 1);
  if (first === -1 || second === -1) return null;
  const line = decodeUtf8(bytes.subarray(0, first), refuse);
  const signature = decodeBase64(decodeUtf8(bytes.subarray(first + 1, second), refuse));
  return { line, signature, sealed: bytes.subarray(second + 1) };
}

/**
 * @param recipient the vault's public usage key, 32 bytes
 * @param aad what the content is bound to
 */
export function sealContent(recipient: Uint8Array, aad: string, content: Uint8Array): Uint8Array {
  const { enc, ct } = hpkeSealNow(recipient, INFO, Buffer.from(aad), content);
  return Buffer.concat([enc, ct]);
}

/** @throws what `refuse` makes */
export async function openContent(
  privateKey: Uint8Array,
  aad: string,
  sealed: Uint8Array,
  refuse: Refuse,
): Promise<Uint8Array> {
  const [enc, ct] = [sealed.subarray(0, ENC_BYTES), sealed.subarray(ENC_BYTES)];
  const content = await hpkeOpen(privateKey, { enc, ct }, INFO, Buffer.from(aad)).catch(() => null);
  if (content === null) throw refuse("does not open with the vault's usage key");
  return content;
}
