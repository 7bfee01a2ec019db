import { MANIFEST_KEY } from "../vault/keys.ts";
import type { ObjectStore } from "../vault/ports.ts";
import type { SealedCopy } from "./cache-file.ts";

type Get = ObjectStore["get"];

/** A store that keeps in `fetched`, by key, a copy of what is read from it. */
export function recordingStore(store: ObjectStore, fetched: Map<string, Uint8Array>): ObjectStore {
  return withGet(store, async (key, options) => {
    const stored = await store.get(key, options);
    // Not `slice`: a Buffer's is a view, and a bundle is decrypted where it stands.
    if (stored !== null) fetched.set(key, new Uint8Array(stored.bytes));
    return stored;
  });
}

/** The store as it was when the copy was made, for a reader: the manifest, and the one bundle that it names. */
export function copiedStore(store: ObjectStore, copy: SealedCopy): ObjectStore {
  return withGet(store, async (key, { maxBytes }) => {
    const bytes = key === MANIFEST_KEY ? copy.manifest : copy.bundle;
    return { bytes: bytes.subarray(0, maxBytes + 1), version: copy.mac };
  });
}

function withGet(store: ObjectStore, get: Get): ObjectStore {
  return {
    label: store.label,
    get,
    head: (key, options) => store.head(key, options),
    create: (key, bytes) => store.create(key, bytes),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    list: (keyPrefix, options) => store.list(keyPrefix, options),
    delete: (key) => store.delete(key),
  };
}
