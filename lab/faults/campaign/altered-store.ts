import type { ObjectStore } from "../../../src/ports.ts";

/** `store`, with the methods in `change` replaced. */
export function alteredStore(store: ObjectStore, change: Partial<ObjectStore>): ObjectStore {
  return {
    label: store.label,
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    create: (key, bytes) => store.create(key, bytes),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    list: (keyPrefix, options) => store.list(keyPrefix, options),
    delete: (key) => store.delete(key),
    ...change,
  };
}
