import { randomBytes } from "node:crypto";
import type { Clock, ObjectStore, Random } from "../ports.ts";
import type { S3Limits, S3Options } from "../s3/wire/options.ts";
import type { StoreLocation } from "./location.ts";

export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

export interface StoreOptions {
  /** How often and how long to try a request. Directory stores ignore them. */
  readonly limits?: Partial<S3Limits>;
  /** Becomes the `User-Agent` of requests, so the bucket's access log shows who last used a token. */
  readonly userAgent?: string;
}

/**
 * Opens the store at a location. Touches nothing yet.
 *
 * @throws InputError the location is not valid
 */
export type OpenStore = (location: StoreLocation, options?: StoreOptions) => Promise<ObjectStore>;

/**
 * Each kind loads its implementation with its first store, so a process that uses no bucket never loads the network
 * code.
 */

const openDirectory: OpenStore = async (location) => {
  const { openDirectoryStore } = await import("../directory/directory-store.ts");
  return openDirectoryStore(location);
};

const openBucket: OpenStore = async (location, options) => {
  const { openS3Store } = await import("../s3/store.ts");
  return openS3Store(location, { ...(await machineOptions(location)), ...options });
};

/**
 * The options of this machine for requests to a bucket.
 *
 * @throws S3UnreachableError a network variable cannot be followed
 */
export async function machineOptions({ credentials }: Pick<StoreLocation, "credentials">): Promise<S3Options> {
  const { networkOf } = await import("./network.ts");
  const network = networkOf(process.env);
  const options = { clock: systemClock, random: systemRandom, network };
  if (credentials !== "ambient") return options;
  const { findsAmbientKeys } = await import("./ambient-keys.ts");
  return { ...options, ambient: findsAmbientKeys(process.env, network) };
}

/** Every scheme of an endpoint. To add one, add its row here and its form in `endpointFault` of src/blob. */
const SCHEMES: Readonly<Record<string, OpenStore>> = {
  "file:": openDirectory,
  "https:": openBucket,
  "http:": openBucket,
};

export const openStore: OpenStore = (location, options) => openerOf(location)(location, options);

export function isDirectoryStore(location: Pick<StoreLocation, "endpoint">): boolean {
  return openerOf(location) === openDirectory;
}

/** A flag may give an endpoint that nothing has checked yet. Without a known scheme, it is treated as a bucket's. */
function openerOf({ endpoint }: Pick<StoreLocation, "endpoint">): OpenStore {
  return SCHEMES[endpoint.slice(0, endpoint.indexOf(":") + 1)] ?? openBucket;
}
