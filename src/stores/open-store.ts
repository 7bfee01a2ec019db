import { randomBytes } from "node:crypto";
import type { RuntimeToken } from "../blob/token.ts";
import { ConfigInvalidError, InputError } from "../errors.ts";
import type { Clock, ObjectStore, Random } from "../ports.ts";
import type { S3Limits } from "../s3/options.ts";
import type { ProbeResult } from "../s3/probe.ts";
import type { ReadProof } from "../s3/prove-read.ts";
import { isFileStore, locationOf, type StoreLocation } from "./location.ts";

/*
 * The one place that knows which implementation is behind a port. Each is imported when a store of its kind is opened, so
 * a process that talks to no bucket never loads the AWS SDK.
 */

export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

export interface StoreOptions {
  /** How often a request is tried, and for how long. A directory store ignores them. */
  readonly limits?: Partial<S3Limits>;
}

/**
 * Opens the store at a location. Nothing is read or sent yet.
 *
 * @throws InputError the location cannot exist
 */
export async function openStore(location: StoreLocation, options: StoreOptions = {}): Promise<ObjectStore> {
  if (isFileStore(location)) {
    const { openFileStore } = await import("../directory/directory-store.ts");
    return openFileStore(location);
  }
  const { openS3Store } = await import("../s3/store.ts");
  return openS3Store(location, { clock: systemClock, random: systemRandom, ...options });
}

/**
 * Opens the store that a token names.
 *
 * @throws ConfigInvalidError the token names no possible directory
 */
export async function openTokenStore(token: RuntimeToken): Promise<ObjectStore> {
  try {
    return await openStore(locationOf(token));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ConfigInvalidError(`invalid VSYNC_CONFIG: ${error.message}`, {
      hint: "mint a new one with `vsync runtime-token`",
    });
  }
}

/** Proves that a bucket keeps the preconditions of writes. @throws what the store throws */
export async function proveBucket(store: ObjectStore): Promise<ProbeResult> {
  const { probeStore } = await import("../s3/probe.ts");
  return probeStore(store, { random: systemRandom });
}

/** One HEAD of an object in a bucket, with the location's credentials. @throws as `proveRead` of `src/s3` */
export async function proveRead(
  location: StoreLocation,
  key: string,
  limits: Partial<S3Limits> = {},
): Promise<ReadProof> {
  const prove = await import("../s3/prove-read.ts");
  return prove.proveRead(location, key, { clock: systemClock, random: systemRandom, limits });
}

/** How far a bucket's server is ahead of this machine's clock, or null if it does not say. @throws S3UnreachableError */
export async function measureClockSkewMs(location: StoreLocation, timeoutMs: number): Promise<number | null> {
  const clocks = await import("../s3/clock-skew.ts");
  return clocks.measureClockSkewMs(location, { clock: systemClock, timeoutMs });
}
