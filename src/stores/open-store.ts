import { randomBytes } from "node:crypto";
import type { Clock, ObjectStore, Random } from "../ports.ts";
import type { S3Limits, S3Options } from "../s3/wire/options.ts";
import type { StoreLocation } from "./location.ts";

export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

export interface StoreOptions {
  /** How often and how long to try a request. A directory store ignores them. */
  readonly limits?: Partial<S3Limits>;
  /** Stands in the `User-Agent` of requests: the bucket's access log shows who last used a token. */
  readonly userAgent?: string;
}

/** Opens the store at a location. Sends and reads nothing yet. @throws InputError the location cannot exist */
export type OpenStore = (location: StoreLocation, options?: StoreOptions) => Promise<ObjectStore>;

/*
 * Each kind loads its implementation when it opens its first store: a process that talks to no bucket never loads the
 * network.
 */

const openDirectory: OpenStore = async (location) => {
  const { openDirectoryStore } = await import("../directory/directory-store.ts");
  return openDirectoryStore(location);
};

const openBucket: OpenStore = async (location, options) => {
  const { openS3Store } = await import("../s3/store.ts");
  return openS3Store(location, { ...(await machineOptions(location)), ...options });
};

/** What requests to a bucket need of this machine. @throws S3UnreachableError a variable about the network cannot be followed */
export async function machineOptions({ credentials }: Pick<StoreLocation, "credentials">): Promise<S3Options> {
  const { networkOf } = await import("./network.ts");
  const network = networkOf(process.env);
  const options = { clock: systemClock, random: systemRandom, network };
  if (credentials !== "ambient") return options;
  const { findsAmbientKeys } = await import("./ambient-keys.ts");
  return { ...options, ambient: findsAmbientKeys(process.env, network) };
}

/** Every scheme of an endpoint. A new one needs its row here and its form in `endpointFault` of src/blob. */
const SCHEMES: Readonly<Record<string, OpenStore>> = {
  "file:": openDirectory,
  "https:": openBucket,
  "http:": openBucket,
};

export const openStore: OpenStore = (location, options) => openerOf(location)(location, options);

export function isDirectoryStore(location: Pick<StoreLocation, "endpoint">): boolean {
  return openerOf(location) === openDirectory;
}

/** A flag may name an endpoint that nobody has checked yet: without a known scheme it counts as a bucket's. */
function openerOf({ endpoint }: Pick<StoreLocation, "endpoint">): OpenStore {
  return SCHEMES[endpoint.slice(0, endpoint.indexOf(":") + 1)] ?? openBucket;
}
