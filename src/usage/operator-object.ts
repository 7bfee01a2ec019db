import { gunzipSync, gzipSync } from "node:zlib";
import { isObject, type JsonObject, parseCanonicalJson, type Refuse } from "../canonical-json.ts";
import { decodeBase64 } from "../crypto/base64.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { signEd25519, signingKeyOfSeed, verifyEd25519 } from "../crypto/signing.ts";
import { hkdf, withKey } from "../crypto/subkeys.ts";
import { InputError } from "../errors.ts";
import { encodeSigned, openContent, sealContent, splitSigned } from "./signed-object.ts";

/**
 * The objects that operators write under `usage/`: compacted days, closed months, voided events (docs/format.md,
 * Objects of operators). They are signed with a key derived from the private usage key, which only operators have.
 */

export const DAYS_PREFIX = "usage/days/";
export const MONTHS_PREFIX = "usage/months/";
export const VOIDS_PREFIX = "usage/voids/";
export const MAX_OPERATOR_OBJECT_BYTES = 64 * 1024 * 1024;
/** Leaves room for the header, the signature and the overhead of sealing. */
const MAX_PACKED_BYTES = MAX_OPERATOR_OBJECT_BYTES - 4096;
const MAX_CONTENT_BYTES = 512 * 1024 * 1024;
const FIELDS = "v,usage_key,by,at,sha256";

/** A key pair in the roll, base64. */
export interface UsageKeyPair {
  readonly public: string;
  readonly private: string;
}

/** Who wrote an object, and when. */
export interface Written {
  /** `ann@laptop` */
  readonly by: string;
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
  readonly at: string;
}

/**
 * @param keys the vault's usage keys; the last one seals
 * @throws InputError it is larger than `openOperatorObject` accepts
 */
export function sealOperatorObject(
  { vault, keys }: { readonly vault: string; readonly keys: readonly UsageKeyPair[] },
  key: string,
  { by, at }: Written,
  content: JsonObject,
): Uint8Array {
  const pair = keys.at(-1);
  if (pair === undefined) throw new TypeError("a vault without a usage key has no usage");
  const text = Buffer.from(JSON.stringify(content));
  const packed = gzipSync(text);
  if (text.length > MAX_CONTENT_BYTES || packed.length > MAX_PACKED_BYTES) {
    throw new InputError(`${key} would be larger than vsync reads`, { hint: "leave its batches as they are" });
  }
  const sealed = sealContent(bytesOf(pair.public), `${vault}|${key}`, packed);
  const line = JSON.stringify({ v: 1, usage_key: pair.public, by, at, sha256: sha256Hex(sealed) });
  return encodeSigned(line, signEd25519(signerOf(pair), textOf(vault, key, line)), sealed);
}

/**
 * @throws what `refuse` makes, unless an operator of this vault wrote it under this key
 */
export async function openOperatorObject(
  { vault, keys }: { readonly vault: string; readonly keys: readonly UsageKeyPair[] },
  key: string,
  bytes: Uint8Array,
  refuse: Refuse,
): Promise<{ readonly written: Written; readonly content: JsonObject }> {
  const parts = splitSigned(bytes, refuse);
  if (parts === null) throw refuse("is not an object of an operator");
  const { line, signature, sealed } = parts;
  const header = parseCanonicalJson(line, refuse);
  if (!isObject(header) || Object.keys(header).join() !== FIELDS || header["v"] !== 1) {
    throw refuse("is not an object of an operator");
  }
  const { by, at, usage_key } = header as unknown as Written & { readonly usage_key: string };
  const pair = keys.find((it) => it.public === usage_key);
  if (pair === undefined) throw refuse("names no usage key of this vault");
  if (signature === null || !verifyEd25519(signerOf(pair).publicKey, textOf(vault, key, line), signature)) {
    throw refuse("is not signed by an operator, or was written under another name");
  }
  if (sha256Hex(sealed) !== header["sha256"]) throw refuse("was altered");
  const packed = await openContent(bytesOf(pair.private), `${vault}|${key}`, sealed, refuse);
  const content = JSON.parse(gunzipSync(packed, { maxOutputLength: MAX_CONTENT_BYTES }).toString()) as JsonObject;
  return { written: { by, at }, content };
}

function signerOf(pair: UsageKeyPair) {
  return withKey(bytesOf(pair.private), (key) => withKey(hkdf(key, "vsync-usage-operator-v1"), signingKeyOfSeed));
}

function textOf(vault: string, key: string, line: string): Uint8Array {
  return Buffer.from(`vsync-usage-operator-v1|${vault}|${key}|${line}`);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(decodeBase64(text) ?? []);
}
