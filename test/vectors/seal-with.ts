import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";

/**
 * HPKE base mode seal with a given ephemeral key, written from RFC 9180 alone: the library draws its own. DHKEM(X25519,
 * HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
 */
export function sealWith(
  ephemeral: Uint8Array,
  recipient: Uint8Array,
  key: Uint8Array,
  info: string,
  aad: string,
): { enc: Uint8Array; ct: Uint8Array } {
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), ephemeral]),
    format: "der",
    type: "pkcs8",
  });
  const enc = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(12);
  const publicKey = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), recipient]),
    format: "der",
    type: "spki",
  });
  const shared = sharedSecret(diffieHellman({ privateKey, publicKey }), Buffer.concat([enc, recipient]));
  return { enc, ct: encrypt(shared, key, info, aad) };
}

const KEM = Buffer.from("4b454d0020", "hex");
const SUITE = Buffer.from("48504b45002000010002", "hex");
const VERSION = Buffer.from("HPKE-v1");

/** RFC 9180 §4.1, ExtractAndExpand. */
function sharedSecret(dh: Buffer, context: Buffer): Buffer {
  const prk = extract(KEM, Buffer.alloc(0), "eae_prk", dh);
  return expand(KEM, prk, "shared_secret", context, 32);
}

/** RFC 9180 §5.1 and §5.2: mode_base, sequence number 0. */
function encrypt(shared: Buffer, plaintext: Uint8Array, info: string, aad: string): Uint8Array {
  const none = Buffer.alloc(0);
  const context = Buffer.concat([
    Buffer.of(0),
    extract(SUITE, none, "psk_id_hash", none),
    extract(SUITE, none, "info_hash", Buffer.from(info)),
  ]);
  const secret = extract(SUITE, shared, "secret", none);
  const key = expand(SUITE, secret, "key", context, 32);
  const nonce = expand(SUITE, secret, "base_nonce", context, 12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(aad));
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function extract(suite: Buffer, salt: Buffer, label: string, ikm: Buffer): Buffer {
  const labeled = Buffer.concat([VERSION, suite, Buffer.from(label), ikm]);
  return createHmac("sha256", salt).update(labeled).digest();
}

function expand(suite: Buffer, prk: Buffer, label: string, info: Buffer, length: number): Buffer {
  const size = Buffer.of(length >> 8, length & 0xff);
  const labeled = Buffer.concat([size, VERSION, suite, Buffer.from(label), info]);
  // HKDF-Expand alone (RFC 5869 §2.3): one block is enough for 32 bytes.
  return createHmac("sha256", prk).update(labeled).update(Buffer.of(1)).digest().subarray(0, length);
}
