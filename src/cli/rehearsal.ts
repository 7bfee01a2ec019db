import { ConflictError } from "../errors.ts";
import type { ObjectStore } from "../vault/ports.ts";

/** Ends a rehearsal where the real thing would have written for the first time. */
class FirstWrite extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`a rehearsal does not write ${key}`);
    this.key = key;
  }
}

export type Rehearsed<T> =
  /** It would have written, this object first. */
  | { readonly kind: "would-write"; readonly key: string }
  /** It came to its end without a write. */
  | { readonly kind: "ended"; readonly value: T };

/** Does everything up to the first write. Whatever would have been refused until then is refused. */
export async function rehearse<T>(store: ObjectStore, act: (store: ObjectStore) => Promise<T>): Promise<Rehearsed<T>> {
  try {
    return { kind: "ended", value: await act(readOnly(store)) };
  } catch (error) {
    if (error instanceof FirstWrite) return { kind: "would-write", key: error.key };
    throw error;
  }
}

function readOnly(store: ObjectStore): ObjectStore {
  return {
    label: store.label,
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (keyPrefix, options) => store.list(keyPrefix, options),
    async create(key) {
      if ((await store.head(key)) !== null) throw new ConflictError(`${key} exists in ${store.label}`);
      throw new FirstWrite(key);
    },
    async replace(key) {
      throw new FirstWrite(key);
    },
    async delete(key) {
      throw new FirstWrite(key);
    },
  };
}
