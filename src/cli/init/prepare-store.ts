import { checkDirectoryRoot, createDirectoryRoot } from "../../directory/folders.ts";
import { InputError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { proveBucket } from "../../stores/bucket-checks.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { openStore } from "../session/store.ts";
import type { Output } from "../terminal/output.ts";

const REASONS = {
  "create-only": "it lets a create-only PUT (If-None-Match: *) overwrite an object",
  replace: "it refuses a PUT with the current ETag (If-Match)",
  "stale-replace": "it lets a PUT with a stale ETag (If-Match) overwrite an object",
  "create-race": "of eight create-only PUTs at once not exactly one won",
  "replace-race": "of eight PUTs with the same ETag at once not exactly one won",
} as const;

/** A store that a vault may be in, or come into. */
export interface PreparedStore {
  readonly store: ObjectStore;
  /** No where a directory is still to be made: there is no vault in it. */
  readonly isThere: boolean;
  /** Makes what is missing. Not before all questions are answered: whoever breaks off leaves nothing behind. */
  make(): Promise<void>;
}

/**
 * Looks whether a directory's root is there or can be made, or proves that a bucket keeps the preconditions of writes, which
 * all safety rests on.
 *
 * @throws what `provePreconditions` throws
 */
export async function prepareStore(location: StoreLocation, output: Output): Promise<PreparedStore> {
  const store = await openStore(location);
  if (isDirectoryStore(location)) {
    const isThere = await checkDirectoryRoot(location);
    return { store, isThere, make: () => createDirectoryRoot(location) };
  }
  if (isInTheClear(location)) {
    output.warn(
      "http:// is not encrypted: whoever is on the way sees names and times, and a session token if there is one",
    );
  }
  const { leftover } = await provePreconditions(store, location);
  if (leftover.length > 0) output.warn(`what the proof wrote could not be removed: ${leftover.join(", ")}`);
  output.done("The bucket keeps conditional writes (create-only, compare-and-swap, eight-way race)");
  return { store, isThere: true, make: async () => undefined };
}

/**
 * What it wrote, and could not remove, is returned.
 *
 * @throws InputError the bucket does not keep the preconditions of writes
 * @throws AccessDeniedError | S3UnreachableError it could not be tried
 */
export async function provePreconditions(
  store: ObjectStore,
  location: StoreLocation,
): Promise<{ readonly leftover: readonly string[] }> {
  const { failed, leftover } = await proveBucket(store);
  if (failed === null) return { leftover };
  const remains = leftover.length === 0 ? "" : `; what the proof wrote is still there: ${leftover.join(", ")}`;
  throw new InputError(`${store.label} at ${location.endpoint} cannot hold a vault: ${REASONS[failed]}${remains}`, {
    hint:
      "two writers would destroy each other's work: use a store with conditional writes (AWS S3, R2, MinIO, Ceph), " +
      `or --local${failed.endsWith("race") ? "; on Ceph, use a bucket without versioning" : ""}`,
  });
}

/** On this machine alone nobody is on the way. */
function isInTheClear({ endpoint }: StoreLocation): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === "http:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
