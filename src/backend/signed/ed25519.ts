import { ed25519 } from "@noble/curves/ed25519.js";
import { fromBase64 } from "../../tokens/base64.ts";
import { nodeCrypto } from "../../tokens/node-crypto.ts";
import type { SigningKey } from "./claim.ts";

const encoder = new TextEncoder();
/** RFC 8410 §7: the DER bytes before the 32 bytes of a private key in PKCS #8. */
const PKCS8 = fromBase64("MC4CAQAwBQYDK2VwBCIEIA==") ?? new Uint8Array();

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
