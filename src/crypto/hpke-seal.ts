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
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { inWorkers } from "../workers.ts";
import { USAGE } from "./slot.ts";

/*
 * Sealing in HPKE's base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, single shot. A commit seals
 * to hundreds of tokens: the library that opens slots would take a millisecond for each, over WebCrypto. Opening is left to
 * the library, and so each checks the other. An HMAC of so few bytes takes Node.js ten times as long as JavaScript.
 */

const generateKeyPairSoon = promisify(generateKeyPair);
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const VERSION = Buffer.from("HPKE-v1");
const KEM = Buffer.from("4b454d0020", "hex");
const SUITE = Buffer.from("48504b45002000010002", "hex");
const NONE = Buffer.alloc(0);
/** HMAC pads a key with zeros: this one is as good as none (RFC 2104 §2). */
const NO_SALT = Buffer.alloc(32);
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface Sealed {
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

/**
 * Draws the ephemeral key on another thread: while many are drawn, this one seals.
 *
 * @throws TypeError `recipient` is not an X25519 public key, or one of small order
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
  const secret = sharedSecret(dh, recipient, enc);
  try {
    return { enc: new Uint8Array(enc), ct: encrypt(secret, info, aad, plaintext) };
  } finally {
    secret.fill(0);
  }
}

/** Seals usage to the vault's usage key. */
export function sealUsage(recipient: Uint8Array, aad: string, events: Uint8Array): Sealed {
  const agreed = inWorkers() ? agreeAnywhere(recipient) : agree(generateKeyPairSync("x25519"), recipient);
  return sealWith(agreed, recipient, USAGE, Buffer.from(aad), events);
}

interface Agreed {
  /** The ephemeral public key. */
  readonly enc: Uint8Array;
  /** The Diffie-Hellman result. */
  readonly dh: Uint8Array;
}

function agree({ privateKey, publicKey }: KeyPairKeyObjectResult, recipient: Uint8Array): Agreed {
  const enc = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return { enc, dh: diffieHellman({ privateKey, publicKey: publicKeyOf(recipient) }) };
}

/** The `diffieHellman` of Workers refuses X25519. */
function agreeAnywhere(recipient: Uint8Array): Agreed {
  const privateKey = x25519.utils.randomSecretKey();
  const enc = x25519.getPublicKey(privateKey);
  const dh = x25519.getSharedSecret(privateKey, recipient);
  privateKey.fill(0);
  return { enc, dh };
}

/** PEM, because for bytes Node.js first throws and catches four errors, which takes as long as the curve's work. */
function publicKeyOf(recipient: Uint8Array): KeyObject {
  const der = Buffer.concat([SPKI_PREFIX, recipient]).toString("base64");
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`);
}

/** RFC 9180 §4.1: ExtractAndExpand of the Diffie-Hellman result. */
function sharedSecret(dh: Uint8Array, recipient: Uint8Array, enc: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM, NO_SALT, "eae_prk", dh);
  dh.fill(0);
  return labeledExpand(KEM, prk, "shared_secret", Buffer.concat([enc, recipient]), KEY_BYTES);
}

/** RFC 9180 §5.1 and §5.2: mode_base, sequence number 0. */
function encrypt(shared: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const secret = labeledExtract(SUITE, shared, "secret", NONE);
  const context = contexts.get(info) ?? contextOf(info);
  contexts.set(info, context);
  const key = labeledExpand(SUITE, secret, "key", context, KEY_BYTES);
  const nonce = labeledExpand(SUITE, secret, "base_nonce", context, NONCE_BYTES);
  secret.fill(0);
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  key.fill(0);
  cipher.setAAD(aad);
  return new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** A commit seals hundreds of slots under one `info`. */
const contexts = new WeakMap<Uint8Array, Uint8Array>();

function contextOf(info: Uint8Array): Uint8Array {
  const pskIdHash = labeledExtract(SUITE, NO_SALT, "psk_id_hash", NONE);
  return Buffer.concat([Buffer.of(0), pskIdHash, labeledExtract(SUITE, NO_SALT, "info_hash", info)]);
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return mac(salt, VERSION, suite, Buffer.from(label), ikm);
}

/** HKDF-Expand (RFC 5869 §2.3); one block is enough for 32 bytes. */
function labeledExpand(suite: Buffer, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const block = mac(prk, Buffer.of(0, length), VERSION, suite, Buffer.from(label), info, Buffer.of(1));
  return block.subarray(0, length);
}

function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return hmac(sha256, key, Buffer.concat(parts));
}
