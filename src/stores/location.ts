import type { Secret } from "../crypto/secret.ts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** `ambient`: the platform's own credential chain. A directory store always has it. */
export type Credentials = AccessKey | "ambient";

/** Where a vault is, and which credentials to use there. */
export interface StoreLocation {
  /** `https://…`, `http://…` or `file:///…`, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
  readonly credentials: Credentials;
}
