import type { RuntimeToken } from "../blob/token.ts";
import { Secret } from "../crypto/secret.ts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** `ambient`: the platform's own credential chain; always so for `file://`. */
export type Credentials = AccessKey | "ambient";

/** Where a vault is, and as whom to go there. */
export interface StoreLocation {
  /** `https://…`, `http://…` or `file:///…`, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
  readonly credentials: Credentials;
}

/** Whether the store is a directory rather than a bucket. */
export function isFileStore({ endpoint }: { readonly endpoint: string }): boolean {
  return endpoint.startsWith("file:");
}

/** The store that a runtime token names. */
export function locationOf(token: RuntimeToken): StoreLocation {
  const { endpoint, region, bucket, prefix } = token;
  return { endpoint, region, bucket, prefix, credentials: credentialsOf(token) };
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: RuntimeToken): Credentials {
  if (accessKeyId === undefined || secretAccessKey === undefined) return "ambient";
  const key = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: Secret.ofText(sessionToken) };
}
