import { randomBytes } from "node:crypto";
import { isFileEndpoint } from "../blob/location.ts";
import type { RuntimeToken } from "../blob/token.ts";
import { ConfigInvalidError, InputError } from "../errors.ts";
import type { Clock, ObjectStore } from "../vault/ports.ts";
import { locationOf } from "../vault/token-location.ts";

export const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * The store that a token names; its implementation is loaded now, and only that one. Nothing is sent yet.
 *
 * @throws ConfigInvalidError the token names no possible directory
 */
export async function openTokenStore(token: RuntimeToken): Promise<ObjectStore> {
  return isFileEndpoint(token.endpoint) ? openDirectory(token) : openBucket(token);
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
  return openS3Store(locationOf(token), { clock: systemClock, random: { bytes: randomBytes } });
}
