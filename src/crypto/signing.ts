import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { BundleCorruptError } from "../errors.ts";

/** DER around a raw Ed25519 key (RFC 8410 §4 and §7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_BYTES = 48;

/** The vault's Ed25519 key pair (RFC 8032), which signs manifests and audit rows. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** PKCS#8 DER, 48 bytes, the form that the bundle seals. The caller zeroes it. */
  exportPkcs8(): Uint8Array;
}

export function generateSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync("ed25519").privateKey);
}

/** @throws BundleCorruptError the bytes are not the PKCS#8 form of an Ed25519 key */
export function importSigningKey(pkcs8: Uint8Array): SigningKey {
  const der = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.byteLength);
  if (der.length !== PKCS8_BYTES || !der.subarray(0, PKCS8_PREFIX.length).equals(PKCS8_PREFIX)) {
    throw new BundleCorruptError("the bundle's signing key is not an Ed25519 key");
  }
  return signingKeyOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

/** The key pair of a 32-byte Ed25519 private key (RFC 8032 §5.1.5). */
export function signingKeyOfSeed(seed: Uint8Array): SigningKey {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return importSigningKey(der);
  } finally {
    der.fill(0);
  }
}

/** The 32-byte private key, which the caller zeroes. */
export function seedOf(key: SigningKey): Uint8Array {
  return key.exportPkcs8().subarray(PKCS8_PREFIX.length);
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    privateKey,
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    exportPkcs8: () => privateKey.export({ format: "der", type: "pkcs8" }),
  };
}

export function signEd25519(key: SigningKey, message: Uint8Array): Uint8Array {
  return sign(null, message, key.privateKey);
}

/** Also false if `publicKey` is not a point on the curve. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, importPublicKey(publicKey), signature);
  } catch {
    return false;
  }
}

/** Like `verifyEd25519`, but on another thread, for callers with many signatures to verify. */
export function verifyEd25519Aside(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  try {
    const key = importPublicKey(publicKey);
    verify(null, message, key, signature, (error, isGenuine) => resolve(error === null && isGenuine));
  } catch {
    resolve(false);
  }
  return promise;
}

/** Cached, because a log's rows have few signers in long runs, and importing a key takes as long as a verification. */
let lastImported: { readonly spki: Buffer; readonly key: KeyObject } | undefined;

function importPublicKey(publicKey: Uint8Array): KeyObject {
  const spki = Buffer.concat([SPKI_PREFIX, publicKey]);
  if (lastImported?.spki.equals(spki)) return lastImported.key;
  lastImported = { spki, key: createPublicKey({ key: spki, format: "der", type: "spki" }) };
  return lastImported.key;
}
