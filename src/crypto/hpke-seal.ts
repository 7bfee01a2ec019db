import {
  createCipheriv,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from "node:crypto";
import { promisify } from "node:util";
import { x25519 } from "@noble/curves/ed25519.js";
import { inWorkers } from "../workers.ts";
import { contextOf, keyAndNonce, SPKI_PREFIX, sharedSecret, TAG_BYTES } from "./hpke.ts";

const generateKeyPairSoon = promisify(generateKeyPair);

interface Sealed {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/**
 * Draws the ephemeral key on another thread, so this thread can seal in the meantime.
 *
 * @throws TypeError `recipient` is not an X25519 public key, or is one of small order
 */
export async function hpkeSeal(
  recipient: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Sealed> {
  return sealWith(agree(await generateKeyPairSoon("x25519"), recipient), recipient, info, aad, plaintext);
}

function sealWith(
  { enc, dh }: Agreed,
  recipient: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Sealed {
  const shared = sharedSecret(dh, Buffer.concat([enc, recipient]));
  return { enc: new Uint8Array(enc), ct: encrypt(shared, info, aad, plaintext) };
}

/** Like `hpkeSeal`, but on this thread, and in Workers too. */
export function hpkeSealNow(recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Sealed {
  const agreed = inWorkers() ? agreeAnywhere(recipient) : agree(generateKeyPairSync("x25519"), recipient);
  return sealWith(agreed, recipient, info, aad, plaintext);
}

interface Agreed {
  /** The ephemeral public key, 32 bytes. */
  readonly enc: Uint8Array;
  /** The Diffie-Hellman result, 32 bytes. */
  readonly dh: Uint8Array;
}

function agree({ privateKey, publicKey }: KeyPairKeyObjectResult, recipient: Uint8Array): Agreed {
  const enc = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return { enc, dh: diffieHellman({ privateKey, publicKey: publicKeyOf(recipient) }) };
}

/** Needed because `diffieHellman` in Workers refuses X25519. */
function agreeAnywhere(recipient: Uint8Array): Agreed {
  const privateKey = x25519.utils.randomSecretKey();
  const enc = x25519.getPublicKey(privateKey);
  const dh = x25519.getSharedSecret(privateKey, recipient);
  privateKey.fill(0);
  return { enc, dh };
}

/** In PEM, because for bytes Node.js first throws and catches four errors, which takes as long as the curve's work. */
function publicKeyOf(recipient: Uint8Array): KeyObject {
  const der = Buffer.concat([SPKI_PREFIX, recipient]).toString("base64");
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`);
}

function encrypt(shared: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const context = contexts.get(info) ?? contextOf(info);
  contexts.set(info, context);
  const { key, nonce } = keyAndNonce(shared, context);
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  key.fill(0);
  cipher.setAAD(aad);
  return new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** Cached, because a commit seals hundreds of slots with the same `info`. */
const contexts = new WeakMap<Uint8Array, Uint8Array>();
