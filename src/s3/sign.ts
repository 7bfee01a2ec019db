import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Keys } from "./wire/keys.ts";

const EMPTY_SHA256 = createHash("sha256").digest("hex");

interface Reading {
  readonly method: string;
  readonly url: URL;
  /** Signed as well. */
  readonly headers: Headers;
  readonly region: string;
  readonly nowMs: number;
}

/** The headers of a signed request without a body (SigV4). Uses the AWS SDK's signer without its S3 client. */
export async function signedHeaders({ method, url, headers, region, nowMs }: Reading, keys: Keys): Promise<Headers> {
  // The URL is already encoded, and S3 does not encode it again.
  const options = { service: "s3", region, credentials: keys, sha256: Sha256, uriEscapePath: false };
  const { protocol, hostname, host, pathname: path } = url;
  const signed = { ...headers, host, "x-amz-content-sha256": EMPTY_SHA256 };
  const request = { method, protocol, hostname, path, headers: signed, query: {} };
  return (await new SignatureV4(options).sign(request, { signingDate: new Date(nowMs) })).headers;
}

type Headers = Record<string, string>;

/** The signer reuses the same key for a day, and importing a key takes longer than using it. */
const imported = new WeakMap<object, KeyObject>();

function keyOf(secret: string | ArrayBuffer | ArrayBufferView): KeyObject {
  if (!(secret instanceof Uint8Array)) return createSecretKey(secret as string, "utf8");
  const key = imported.get(secret) ?? createSecretKey(secret);
  imported.set(secret, key);
  return key;
}

/**
 * SHA-256, or HMAC-SHA256 under a key. Synchronous, because WebCrypto would use a thread for each of a signature's
 * five.
 */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", keyOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(data as string);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}
