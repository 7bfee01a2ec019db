import { ed25519 } from "@noble/curves/ed25519.js";
import { fromBase64, toBase64Url } from "../../tokens/base64.ts";
import type { SigningKey } from "./claim.ts";
import { nodeCrypto } from "./node-crypto.ts";

const encoder = new TextEncoder();
/** RFC 8410 §7: what stands before the 32 bytes of a private key in PKCS #8. */
const PKCS8 = fromBase64("MC4CAQAwBQYDK2VwBCIEIA==") ?? new Uint8Array();

type Verifier = (signature: Uint8Array, signed: Uint8Array) => boolean | Promise<boolean>;
const verifiers = new WeakMap<object, Verifier>();

/**
 * Whether `signature` is the key's, over a text. Synchronous where the runtime allows it: `subtle` costs twice as much.
 *
 * @param key base64 of 32 bytes. Its import is remembered as long as the object lives
 */
export function verifyText(
  key: { readonly public: string },
  signature: Uint8Array,
  text: string,
): boolean | Promise<boolean> {
  const verifier = verifiers.get(key) ?? importPublic(key.public);
  const signed = encoder.encode(text);
  if (typeof verifier === "function") return remembered(key, verifier)(signature, signed);
  return verifier.then((verify) => remembered(key, verify)(signature, signed));
}

function remembered(key: object, verifier: Verifier): Verifier {
  verifiers.set(key, verifier);
  return verifier;
}

function importPublic(base64: string): Verifier | Promise<Verifier> {
  const raw = fromBase64(base64);
  if (raw?.length !== 32) throw new TypeError("a gateway key must have 32 bytes");
  const crypto = nodeCrypto();
  return crypto === null ? importSubtle(raw) : importNode(crypto, raw);
}

function importNode(crypto: typeof import("node:crypto"), raw: Uint8Array): Verifier {
  const jwk = { kty: "OKP", crv: "Ed25519", x: toBase64Url(raw) };
  const key = crypto.createPublicKey({ key: jwk, format: "jwk" });
  return (signature, signed) => crypto.verify(null, signed, key, signature);
}

async function importSubtle(raw: Uint8Array): Promise<Verifier> {
  const key = await crypto.subtle.importKey("raw", Uint8Array.from(raw), "Ed25519", false, ["verify"]);
  return (signature, signed) =>
    crypto.subtle.verify("Ed25519", key, Uint8Array.from(signature), Uint8Array.from(signed));
}

const signers = new WeakMap<SigningKey, (text: Uint8Array) => Uint8Array>();

/** The signature of a text, 64 bytes. */
export function signText(key: SigningKey, text: string): Uint8Array {
  const sign = signers.get(key) ?? importPrivate(key.privateKey);
  signers.set(key, sign);
  return sign(encoder.encode(text));
}

function importPrivate(seed: Uint8Array): (text: Uint8Array) => Uint8Array {
  const crypto = nodeCrypto();
  if (crypto === null) return (text) => ed25519.sign(text, seed);
  const der = Buffer.concat([PKCS8, seed]);
  const key = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return (text) => crypto.sign(null, text, key);
}
