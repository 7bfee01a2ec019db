import type { RuntimeToken } from "../blob/token.ts";
import { Secret } from "../crypto/secret.ts";

/** Where a vault is, and as whom to go there. */
export interface TokenLocation {
  /** `https://…`, `http://…` or `file:///…`, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
  /** `ambient`: the platform's own credential chain. */
  readonly credentials: TokenCredentials | "ambient";
}

interface TokenCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** What a runtime token says of the store, apart from what it lets its reader expect there. */
export function locationOf(token: RuntimeToken): TokenLocation {
  const { endpoint, region, bucket, prefix } = token;
  return { endpoint, region, bucket, prefix, credentials: credentialsOf(token) };
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: RuntimeToken): TokenCredentials | "ambient" {
  if (accessKeyId === undefined || secretAccessKey === undefined) return "ambient";
  const key = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: Secret.ofText(sessionToken) };
}
