import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Keys } from "./wire/keys.ts";

const EMPTY_SHA256 = createHash("sha256").digest("hex");

interface Reading {
  readonly method: string;
  /** Already encoded, and without a query. */
  readonly url: URL;
  /** Signed as well. Names in lower case. */
  readonly headers: Headers;
  readonly region: string;
  readonly nowMs: number;
}

type Headers = Readonly<Record<string, string>>;

/** Signs requests without a body: AWS Signature Version 4, in headers. */
export class Signer {
  /** The key of a day and region. It takes four HMACs, and a log has ten thousand rows to read. */
  #last: { readonly secret: string; readonly scope: string; readonly key: KeyObject } | undefined;

  /** The request's headers, with the signature. */
  sign({ method, url, headers, region, nowMs }: Reading, keys: Keys): Headers {
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const signed: Headers = {
      ...headers,
      host: url.host,
      "x-amz-content-sha256": EMPTY_SHA256,
      "x-amz-date": time,
      ...(keys.sessionToken !== undefined && { "x-amz-security-token": keys.sessionToken }),
    };
    const names = Object.keys(signed).toSorted();
    const lines = names.map((name) => `${name}:${signed[name]}\n`).join("");
    const signedNames = names.join(";");
    const canonical = `${method}\n${url.pathname}\n\n${lines}\n${signedNames}\n${EMPTY_SHA256}`;
    const digest = createHash("sha256").update(canonical).digest("hex");
    const signature = createHmac("sha256", this.#keyOf(keys.secretAccessKey, scope))
      .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`)
      .digest("hex");
    const credential = `${keys.accessKeyId}/${scope}`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return { ...signed, authorization };
  }

  #keyOf(secret: string, scope: string): KeyObject {
    if (this.#last?.secret === secret && this.#last.scope === scope) return this.#last.key;
    let key: string | Uint8Array = `AWS4${secret}`;
    for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
    this.#last = { secret, scope, key: createSecretKey(key as Uint8Array) };
    return this.#last.key;
  }
}
