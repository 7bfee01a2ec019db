import { randomBytes } from "node:crypto";
import { isFileEndpoint } from "../blob/location.ts";
import type { Secret } from "../crypto/secret.ts";
import type { S3Limits } from "../s3/options.ts";
import type { ProbeResult } from "../s3/probe.ts";
import type { ReadProof } from "../s3/prove-read.ts";
import type { Clock, ObjectStore, Random } from "../vault/ports.ts";
import { withActivity } from "./terminal/activity.ts";
import { isLively } from "./terminal/output.ts";

/*
 * The composition root: the one file of the command line that knows which implementation is behind a port. Stores are
 * imported when they are opened; a command that talks to no S3 never loads the AWS SDK.
 */

export { checkFileStoreRoot, createFileStoreRoot } from "../file/folders.ts";
export { fileEndpoint } from "../file/location.ts";
export { writeNewFile } from "../file/plain-file.ts";
export { readSecretFile, trimSecret } from "../file/secret-file.ts";

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

export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

export function isFileStore({ endpoint }: { readonly endpoint: string }): boolean {
  return isFileEndpoint(endpoint);
}

export interface StoreOptions {
  /** How often a request is tried, and how long; a directory needs no such limits. */
  readonly limits?: Partial<S3Limits>;
}

/** Nothing is read or sent yet. @throws InputError the location cannot be */
export async function openStore(location: StoreLocation, options: StoreOptions = {}): Promise<ObjectStore> {
  if (isFileStore(location)) {
    const { openFileStore } = await import("../file/file-store.ts");
    return openFileStore(location);
  }
  const { openS3Store } = await import("../s3/store.ts");
  const store = openS3Store(location, { clock: systemClock, random: systemRandom, ...options });
  return withActivity(store, { sink: process.stderr, isLively: isLively(process.stderr, process.env) });
}

/** Proves that a bucket keeps the preconditions of writes. @throws what the store throws */
export async function proveBucket(store: ObjectStore): Promise<ProbeResult> {
  const { probeStore } = await import("../s3/probe.ts");
  return probeStore(store, { random: systemRandom });
}

/** One HEAD of an object in a bucket, as the location's credentials. @throws as `proveRead` of `src/s3` */
export async function proveRead(
  location: StoreLocation,
  key: string,
  limits: Partial<S3Limits> = {},
): Promise<ReadProof> {
  const prove = await import("../s3/prove-read.ts");
  return prove.proveRead(location, key, { clock: systemClock, random: systemRandom, limits });
}

/** How far a bucket's server is ahead of this machine's clock, or null where it does not say. @throws S3UnreachableError */
export async function measureClockSkewMs(location: StoreLocation, timeoutMs: number): Promise<number | null> {
  const clocks = await import("../s3/clock-skew.ts");
  return clocks.measureClockSkewMs(location, { clock: systemClock, timeoutMs });
}
