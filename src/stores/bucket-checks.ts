import type { ObjectStore } from "../ports.ts";
import type { ReadProof } from "../s3/checks.ts";
import type { ProbeResult } from "../s3/probe.ts";
import type { S3Limits } from "../s3/wire/options.ts";
import type { StoreLocation } from "./location.ts";
import { machineOptions, systemRandom } from "./open-store.ts";

/**
 * Proves that a bucket keeps the preconditions of writes.
 *
 * @throws what the store throws
 */
export async function proveBucket(store: ObjectStore): Promise<ProbeResult> {
  const { probeStore } = await import("../s3/probe.ts");
  return probeStore(store, { random: systemRandom });
}

/**
 * Sends one HEAD for an object of a bucket, with the location's credentials.
 *
 * @throws what `proveRead` of src/s3 throws
 */
export async function proveRead(
  location: StoreLocation,
  key: string,
  limits: Partial<S3Limits> = {},
): Promise<ReadProof> {
  const prove = await import("../s3/checks.ts");
  return prove.proveRead(location, key, { ...(await machineOptions(location)), limits });
}

/**
 * How far a bucket's server is ahead of this machine's clock, in milliseconds; null if it does not say.
 *
 * @throws S3UnreachableError the server did not respond
 */
export async function measureClockSkewMs(location: StoreLocation, timeoutMs: number): Promise<number | null> {
  const clocks = await import("../s3/checks.ts");
  return clocks.measureClockSkewMs(location, { ...(await machineOptions(location)), timeoutMs });
}

/**
 * Lists what is directly under a prefix of a bucket, with one request.
 *
 * @throws what `listBelow` of src/s3 throws
 */
export async function listBelow(
  location: StoreLocation,
): Promise<{ readonly keys: readonly string[]; readonly folders: readonly string[] }> {
  const list = await import("../s3/checks.ts");
  return list.listBelow(location, await machineOptions(location));
}
