import { AccessDeniedError, S3UnreachableError } from "../../errors.ts";
import { listBelow } from "../../stores/bucket-checks.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { repoFault, segmentFault } from "../config/paths.ts";
import type { Target } from "../config/target.ts";
import { printable } from "../terminal/printable.ts";

/** `<owner>/<repo>/<env>/` is the deepest folder that `init` proposes. */
const MAX_DEPTH = 3;
/** Bounds the time for a bucket full of other things. */
const MAX_LISTINGS = 40;
const AT_ONCE = 8;

/**
 * The prefixes of the vaults in a bucket that the key can find: one listing per folder, up to three deep. Null if it
 * may not list at all. None of the vaults is proven.
 */
export async function vaultsIn(location: StoreLocation): Promise<readonly string[] | null> {
  const root = await listing(location, "");
  if (root === null) return null;
  const found = new Set(root.vaults);
  let folders = root.folders;
  let left = MAX_LISTINGS;
  for (let depth = 1; depth <= MAX_DEPTH && left > 0; depth++) {
    const asked = folders.slice(0, left);
    left -= asked.length;
    const next: string[] = [];
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      const listings = await Promise.all(asked.slice(at, at + AT_ONCE).map((it) => listing(location, it)));
      for (const it of listings) {
        for (const vault of it?.vaults ?? []) found.add(vault);
        // Do not look for vaults inside a vault.
        if (it?.vaults.length === 0) next.push(...it.folders);
      }
    }
    folders = next;
  }
  return [...found].toSorted();
}

interface Listing {
  readonly vaults: readonly string[];
  readonly folders: readonly string[];
}

/** Null if the key may not list this or the server does not respond: the user can still type the prefix. */
async function listing(location: StoreLocation, prefix: string): Promise<Listing | null> {
  try {
    const { keys, folders } = await listBelow({ ...location, prefix });
    const manifests = keys.filter((key) => key.endsWith(`/${MANIFEST_KEY}`));
    const vaults = manifests.map((key) => key.slice(0, -MANIFEST_KEY.length));
    // Anyone who can write to the bucket can choose these names, and the terminal shows them unescaped.
    return { vaults: vaults.filter((it) => printable(it) === it), folders };
  } catch (error) {
    if (error instanceof AccessDeniedError || error instanceof S3UnreachableError) return null;
    throw error;
  }
}

/** The repo and env in a prefix, or null. */
export function targetAt(prefix: string): Pick<Target, "repo" | "env"> | null {
  const segments = prefix.slice(0, -1).split("/");
  const [repo, env] = [segments.slice(0, -1).join("/"), segments.at(-1) ?? ""];
  return repoFault(repo) === null && segmentFault(env) === null ? { repo, env } : null;
}
