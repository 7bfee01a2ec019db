import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Secret } from "../crypto/secret.ts";
import { fromBase64Url } from "./base64.ts";
import {
  concat,
  idOfKeys,
  RECIPIENT_INFO,
  readCredentialText,
  SIGNING_INFO,
  type TokenKind,
  writeCredentialText,
} from "./credential-form.ts";

/**
 * The secret of a scoped token, and the keys derived from it. Like everything in `tokens`, this runs in browsers and
 * Workers, without Buffer and node:crypto.
 */

/** A credential, read or drawn. Its holder can do everything that the token may. */
export interface Credential extends Disposable {
  readonly kind: TokenKind;
  /** 32 bytes. */
  readonly seed: Secret;
}

/** The keys derived from a credential. */
export interface CredentialKeys extends Disposable {
  /** `tok_` and 32 lower-case hex digits. */
  readonly id: string;
  /** X25519 private key, 32 bytes. */
  readonly privateKey: Secret;
  /** X25519 public key, 32 bytes. Slots are sealed to it. */
  readonly recipient: Uint8Array;
  /** Ed25519 private key, 32 bytes (RFC 8032 §5.1.5). */
  readonly signingKey: Secret;
  /** Ed25519 public key, 32 bytes. It verifies access tokens. */
  readonly signing: Uint8Array;
}

const LAST = 4;
const encoder = new TextEncoder();

/**
 * Reads a credential strictly. The error quotes no part of it.
 *
 * @throws ConfigInvalidError prefix, kind, length or alphabet is wrong, or the check fails because of a typo
 */
export function parseCredential(text: string): Credential {
  const { kind, seed } = readCredentialText(text, sha256);
  return credentialOf(kind, Secret.ofBytes(seed));
}

/** Takes ownership of `seed`, 32 random bytes. */
export function credentialOf(kind: TokenKind, seed: Secret): Credential {
  return { kind, seed, [Symbol.dispose]: () => seed.destroy() };
}

/** The string for an app: 58 characters. */
export function encodeCredential({ kind, seed }: Credential): Secret {
  return Secret.ofText(writeCredentialText(kind, seed.expose(), sha256));
}

/**
 * The last four characters, by which people tell tokens apart. They belong to the check and reveal nothing about the
 * seed.
 */
export function lastFourOf(credential: Credential): string {
  using text = encodeCredential(credential);
  return text.exposeText().slice(-LAST);
}

/** Derives both keys, their public halves and the id. */
export async function deriveCredentialKeys(credential: Credential): Promise<CredentialKeys> {
  const { privateKey, signingKey, [Symbol.dispose]: dispose } = privateKeysOf(credential);
  const [recipient, signing] = await Promise.all([
    publicKeyOf("X25519", privateKey),
    publicKeyOf("Ed25519", signingKey),
  ]);
  return { id: tokenIdOf(recipient, signing), privateKey, recipient, signingKey, signing, [Symbol.dispose]: dispose };
}

/** HKDF-SHA256 (RFC 5869) of the seed, without salt, for each key. */
export function privateKeysOf({ seed }: Credential): Pick<CredentialKeys, "privateKey" | "signingKey"> & Disposable {
  const derive = (info: string): Secret =>
    Secret.ofBytes(hkdf(sha256, seed.expose(), undefined, encoder.encode(info), KEY_BYTES));
  const [privateKey, signingKey] = [derive(RECIPIENT_INFO), derive(SIGNING_INFO)];
  return {
    privateKey,
    signingKey,
    [Symbol.dispose]: () => {
      privateKey.destroy();
      signingKey.destroy();
    },
  };
}

const KEY_BYTES = 32;

/** See `idOfKeys`. */
export function tokenIdOf(recipient: Uint8Array, signing: Uint8Array): string {
  return idOfKeys(recipient, signing, sha256);
}

/** The DER bytes before a raw private key (RFC 8410 §7). */
const PKCS8 = { X25519: pkcs8Prefix(0x6e), Ed25519: pkcs8Prefix(0x70) };

function pkcs8Prefix(oid: number): Uint8Array {
  return Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, oid, 4, 0x22, 4, 0x20);
}

/** Uses WebCrypto: in JavaScript, the first multiplication of a process takes longer than opening a vault should. */
async function publicKeyOf(algorithm: "X25519" | "Ed25519", key: Secret): Promise<Uint8Array> {
  const der = concat(PKCS8[algorithm], key.expose());
  const usage = algorithm === "X25519" ? "deriveBits" : "sign";
  const imported = await crypto.subtle.importKey("pkcs8", der, algorithm, true, [usage]);
  der.fill(0);
  const jwk = await crypto.subtle.exportKey("jwk", imported);
  const publicKey = fromBase64Url(jwk.x ?? "");
  if (publicKey?.length !== KEY_BYTES) throw new TypeError(`no ${algorithm} public key`);
  return publicKey;
}
