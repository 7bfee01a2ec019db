import { ConflictError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import type { CommitPorts } from "../../vault/commit/commit.ts";
import { generationOfAuditKey } from "../../vault/format/object-keys.ts";
import type { Output } from "../terminal/output.ts";

/** Ends a rehearsal where the real thing would have written for the first time. */
class FirstWrite extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`a rehearsal does not write ${key}`);
    this.key = key;
  }
}

/** Does everything up to the first write, and says so. Whatever would have been refused until then is refused. */
export async function rehearse<T>(
  ports: CommitPorts,
  act: (ports: CommitPorts) => Promise<T>,
  output: Output,
): Promise<void> {
  try {
    await act({ ...ports, store: readOnly(ports.store) });
  } catch (error) {
    if (!(error instanceof FirstWrite)) throw error;
    const outstanding = generationOfAuditKey(error.key);
    if (outstanding !== null) output.say(`the outstanding audit row of gen=${outstanding} would be appended first`);
  }
  output.say("dry run: nothing was written");
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
