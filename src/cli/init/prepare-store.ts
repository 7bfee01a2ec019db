import { checkDirectoryRoot, createDirectoryRoot, mayWrite } from "../../directory/folders.ts";
import { AccessDeniedError, InputError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { proveBucket } from "../../stores/bucket-checks.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { MAX_MANIFEST_BYTES } from "../../vault/format/limits.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { openStore } from "../session/store.ts";
import type { Output } from "../terminal/output.ts";

const REASONS = {
  "create-only": "it lets a create-only PUT (If-None-Match: *) overwrite an object",
  replace: "it refuses a PUT with the ETag of its own GET (If-Match)",
  "stale-replace": "it lets a PUT with a stale ETag (If-Match) overwrite an object",
  "create-race": "of eight create-only PUTs at once, not exactly one succeeded",
  "replace-race": "of eight PUTs with the same ETag at once, not exactly one succeeded",
  listing: "its listing lacks objects that it holds",
} as const;

/** A store that can hold a vault. */
export interface PreparedStore {
  readonly store: ObjectStore;
  /** False if the directory does not exist yet, so it holds no vault. */
  readonly isThere: boolean;
  /** There is a vault, but this machine may not write. Then nothing is proven about a bucket. */
  readonly isReadOnly: boolean;
  /** Creates the directory. Call it after the last question, so Ctrl-C leaves nothing behind. */
  make(): Promise<void>;
}

/**
 * Checks that the directory exists or can be made, or proves that the bucket keeps the preconditions of writes. Every
 * commit relies on them.
 *
 * @throws what `provePreconditions` throws
 */
export async function prepareStore(location: StoreLocation, output: Output): Promise<PreparedStore> {
  const store = await openStore(location);
  if (isDirectoryStore(location)) {
    const isThere = await checkDirectoryRoot(location);
    if (isThere && !(await mayWrite(location)) && (await canRead(store))) {
      output.say("this user may only read the store's folder: this machine will not write");
      return { store, isThere, isReadOnly: true, make: async () => undefined };
    }
    return { store, isThere, isReadOnly: false, make: () => createDirectoryRoot(location) };
  }
  if (isInTheClear(location)) {
    output.warn(
      "http:// is not encrypted: the network sees object names and times, and a session token if you use one",
    );
  }
  const ready = { store, isThere: true, make: async () => undefined };
  try {
    const { leftover } = await provePreconditions(store, location);
    if (leftover.length > 0) output.warn(`the proof could not remove its objects: ${leftover.join(", ")}`);
    output.done("The bucket is safe for several writers");
    return { ...ready, isReadOnly: false };
  } catch (error) {
    if (!(error instanceof AccessDeniedError) || !(await canRead(store))) throw error;
    output.say("this key only reads: the bucket is not proven, and this machine will not write");
    return { ...ready, isReadOnly: true };
  }
}

/** Whether the prefix has a manifest that the key can read. */
async function canRead(store: ObjectStore): Promise<boolean> {
  const manifest = await store.get(MANIFEST_KEY, { maxBytes: MAX_MANIFEST_BYTES }).catch(() => null);
  return manifest !== null;
}

/**
 * Proves that a bucket keeps the preconditions of writes. Returns the keys of objects that it wrote and could not
 * remove.
 *
 * @throws InputError the bucket ignores a precondition
 * @throws AccessDeniedError, S3UnreachableError the bucket could not be tested
 */
export async function provePreconditions(
  store: ObjectStore,
  location: StoreLocation,
): Promise<{ readonly leftover: readonly string[] }> {
  const { failed, leftover } = await proveBucket(store);
  if (failed === null) return { leftover };
  const remains = leftover.length === 0 ? "" : `; the proof left these objects: ${leftover.join(", ")}`;
  throw new InputError(`${store.label} at ${location.endpoint} cannot hold a vault: ${REASONS[failed]}${remains}`, {
    hint:
      "two writers would destroy each other's work: use a store with conditional writes (AWS S3, R2, MinIO, Ceph), " +
      `or --local${failed.endsWith("race") ? "; on Ceph, use a bucket without versioning" : ""}`,
  });
}

/** Plain HTTP, except over loopback. */
function isInTheClear({ endpoint }: StoreLocation): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === "http:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
