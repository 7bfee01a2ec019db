import { fromBase64, toBase64Url } from "./base64.ts";
import { nodeCrypto } from "./node-crypto.ts";

const encoder = new TextEncoder();

type Verifier = (signature: Uint8Array, signed: Uint8Array) => Promise<boolean>;
const verifiers = new WeakMap<object, Verifier>();

/**
 * Whether `signature` is the key's, over a text. On another thread: a server goes on with other requests meanwhile.
 *
 * @param key base64 of 32 bytes; its import is cached as long as the object lives
 */
export async function verifyText(
  key: { readonly public: string },
  signature: Uint8Array,
  text: string,
): Promise<boolean> {
  const verify = verifiers.get(key) ?? (await importPublic(key.public));
  verifiers.set(key, verify);
  return verify(signature, encoder.encode(text));
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
  return (signature, signed) =>
    new Promise((resolve, reject) => {
      crypto.verify(null, signed, key, signature, (error, isGenuine) => {
        if (error === null) resolve(isGenuine);
        else reject(error);
      });
    });
}

async function importSubtle(raw: Uint8Array): Promise<Verifier> {
  const key = await crypto.subtle.importKey("raw", Uint8Array.from(raw), "Ed25519", false, ["verify"]);
  return (signature, signed) =>
    crypto.subtle.verify("Ed25519", key, Uint8Array.from(signature), Uint8Array.from(signed));
}
