import { randomBytes } from "node:crypto";
import type { RuntimeToken } from "../blob/token.ts";
import { Secret } from "../crypto/secret.ts";
import { ConfigInvalidError, InputError } from "../errors.ts";
import type { S3Location } from "../s3/location.ts";
import type { Clock, ObjectStore } from "../vault/ports.ts";

export const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * The store that a token names; its implementation is loaded now, and only that one. Nothing is sent yet.
 *
 * @throws ConfigInvalidError the token names no possible directory
 */
export async function openTokenStore(token: RuntimeToken): Promise<ObjectStore> {
  return token.endpoint.startsWith("file:") ? openDirectory(token) : openBucket(token);
}

async function openDirectory(token: RuntimeToken): Promise<ObjectStore> {
  const { openFileStore } = await import("../file/file-store.ts");
  try {
    return openFileStore(token);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ConfigInvalidError(`invalid VSYNC_CONFIG: ${error.message}`, {
      hint: "mint a new one with `vsync runtime-token`",
    });
  }
}

async function openBucket(token: RuntimeToken): Promise<ObjectStore> {
  const { openS3Store } = await import("../s3/store.ts");
  const { endpoint, region, bucket, prefix } = token;
  const location = { endpoint, region, bucket, prefix, credentials: credentialsOf(token) };
  return openS3Store(location, { clock: systemClock, random: { bytes: randomBytes } });
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: RuntimeToken): S3Location["credentials"] {
  if (accessKeyId === undefined || secretAccessKey === undefined) return "ambient";
  return {
    accessKeyId,
    secretAccessKey: Secret.ofText(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: Secret.ofText(sessionToken) }),
  };
}
