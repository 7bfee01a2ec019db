import type { ObjectStore } from "../ports.ts";
import { listKeys } from "./list.ts";
import { getObject, headObject } from "./read.ts";
import { Connection } from "./wire/connection.ts";
import type { S3Options } from "./wire/options.ts";
import { labelOf, type S3Location } from "./wire/options.ts";
import { writeObject } from "./write.ts";

/**
 * Opens a store over one prefix of a bucket. Sends nothing yet.
 *
 * @throws InputError the location cannot hold a vault
 */
export function openS3Store(location: S3Location, options: S3Options): ObjectStore {
  const connection = new Connection(location, options);
  return {
    label: labelOf(location),
    head: (key, readOptions = {}) => headObject(connection, key, readOptions),
    get: (key, getOptions) => getObject(connection, key, getOptions),
    create: (key, bytes) => writeObject({ connection, key, bytes, expected: null }),
    replace: (key, bytes, expected) => writeObject({ connection, key, bytes, expected }),
    list: (keyPrefix, listOptions = {}) => listKeys(connection, keyPrefix, listOptions),
    delete: (key) => removeObject(connection, key),
  };
}

async function removeObject(connection: Connection, key: string): Promise<void> {
  const { deleteObject } = await import("./commands.ts");
  using call = connection.call("delete", key);
  const attempt = await call.retrying((sending) => deleteObject(connection, key, sending));
  if (!attempt.done && attempt.failure.kind !== "absent") throw attempt.failure.error;
}
