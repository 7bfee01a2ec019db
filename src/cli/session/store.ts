import type { ObjectStore } from "../../ports.ts";
import { isFileStore, type StoreLocation } from "../../stores/location.ts";
import { openStore as openQuietStore, type StoreOptions } from "../../stores/open-store.ts";
import { withActivity } from "../terminal/activity.ts";
import { isLively } from "../terminal/output.ts";

/** Opens a store that shows on a terminal what it waits for. @throws InputError the location cannot exist */
export async function openStore(location: StoreLocation, options: StoreOptions = {}): Promise<ObjectStore> {
  const store = await openQuietStore(location, options);
  if (isFileStore(location)) return store;
  return withActivity(store, { sink: process.stderr, isLively: isLively(process.stderr, process.env) });
}
