import { isDirectoryStore, type OpenStore, openStore as openQuietStore } from "../../stores/open-store.ts";
import { withActivity } from "../terminal/activity.ts";
import { isLively } from "../terminal/output.ts";

/**
 * Opens a store that shows on a terminal what it is waiting for.
 *
 * @throws InputError the location is not valid
 */
export const openStore: OpenStore = async (location, options) => {
  const store = await openQuietStore(location, options);
  if (isDirectoryStore(location)) return store;
  return withActivity(store, { sink: process.stderr, isLively: isLively(process.stderr, process.env) });
};
