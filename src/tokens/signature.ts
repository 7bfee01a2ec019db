import { fromBase64, toBase64Url } from "./base64.ts";
import { nodeCrypto } from "./node-crypto.ts";

const encoder = new TextEncoder();

type Verifier = (signature: Uint8Array, signed: Uint8Array) => boolean | Promise<boolean>;
const verifiers = new WeakMap<object, Verifier>();

/**
 * Whether `signature` over a text was made with the key. Synchronous if the runtime allows it, because `subtle` costs
 * twice as much.
 *
 * @param key base64 of 32 bytes; its import is cached as long as the object lives
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
  if (raw?.length !== 32) throw new TypeError("an Ed25519 public key must have 32 bytes");
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
