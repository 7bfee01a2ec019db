import { AccessDeniedError, InputError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { findConfig } from "../config/local-config.ts";
import { listTargets } from "../config/paths.ts";
import { openStore } from "../session/store.ts";

/** A longer listing is either one vault's or has nothing to do with vsync. */
const MAX_KEYS = 1000;

/**
 * Refuses a prefix for a new vault inside another vault's, or around one, because gc and policies of one would affect
 * the other. Folders that the key may not list do not count.
 *
 * @throws InputError the prefixes overlap
 */
export async function refuseOverlap(location: StoreLocation, store: ObjectStore): Promise<void> {
  const { prefix } = location;
  const known = await prefixesHere(location);
  const near = known.find((it) => it !== prefix && (it.startsWith(prefix) || prefix.startsWith(it)));
  const other = near ?? (await enclosing(location)) ?? (await within(store, prefix));
  if (other === null) return;
  throw new InputError(
    `there is a vault at ${other}: ${prefix} would ${other.startsWith(prefix) ? "enclose" : "lie within"} it`,
    {
      hint: "choose another --prefix",
    },
  );
}

async function prefixesHere({ endpoint, bucket }: StoreLocation): Promise<readonly string[]> {
  const targets = await listTargets();
  const configs = await Promise.all(targets.map((it) => findConfig(it).catch(() => null)));
  return configs.flatMap((it) => (it?.endpoint === endpoint && it.bucket === bucket ? [it.prefix] : []));
}

async function enclosing(location: StoreLocation): Promise<string | null> {
  const segments = location.prefix.slice(0, -1).split("/").slice(0, -1);
  for (const [at] of segments.entries()) {
    const prefix = `${segments.slice(0, at + 1).join("/")}/`;
    const store = await openStore({ ...location, prefix });
    if ((await orNull(() => store.head(MANIFEST_KEY))) !== null) return prefix;
  }
  return null;
}

async function within(store: ObjectStore, prefix: string): Promise<string | null> {
  return orNull(async () => {
    let count = 0;
    for await (const key of store.list("")) {
      if (key.endsWith(`/${MANIFEST_KEY}`)) return prefix + key.slice(0, -MANIFEST_KEY.length);
      if (++count === MAX_KEYS) break;
    }
    return null;
  });
}

async function orNull<T>(look: () => Promise<T | null>): Promise<T | null> {
  return look().catch((error: unknown) => {
    if (error instanceof AccessDeniedError) return null;
    throw error;
  });
}
