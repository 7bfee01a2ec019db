import type { Item } from "../../vault/format/item.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { History } from "../../vault/open/expectation.ts";
import { openVault } from "../../vault/open/open.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { openThrough } from "./open-anywhere.ts";
import type { Open, OpenedItems } from "./open-configured.ts";
import type { SessionInput } from "./session.ts";

export interface CacheFlags {
  readonly cache?: string | undefined;
  readonly "max-age"?: number | undefined;
}

/**
 * Reads the items of the vault that `openAnywhere` would open. With `--cache`, falls back on a sealed copy if the store
 * cannot be reached.
 */
export async function openItems(
  input: SessionInput & { readonly flags: CacheFlags },
  sources: SecretSources,
): Promise<readonly Item[]> {
  const use = { use: "values", isComplete: true } as const;
  return (await openThrough(input, sources, openerOf(input.flags, sources), use)).bundle.items;
}

/** The same shares as in the library: of 30 s, half for the store and a fifth for the disk. */
const [PATIENCE_MS, DISK_MS] = [15_000, 6_000];

function openerOf({ cache: path, "max-age": maxAgeMs }: CacheFlags, { output }: SecretSources): Open<OpenedItems> {
  if (path === undefined || maxAgeMs === undefined) return openVault;
  const use = { path, maxAgeMs, patienceMs: PATIENCE_MS, diskMs: DISK_MS };
  const warn = ({ message }: { readonly message: string }): void => output.warn(message);
  return async (ports, request) => {
    const { openThroughCache } = await import("../../runtime/cache/open-cached.ts");
    let manifest: Manifest | undefined;
    const expect = { ...request.expect, ...watched(request.expect.history, (it) => (manifest = it)) };
    const { signal = new AbortController().signal } = request;
    const { items } = await openThroughCache(ports, { ...request, expect, signal }, { ...use, warn });
    return { manifest, bundle: { items: [...items.values()] } };
  };
}

/** The library's cache returns only items, but this machine also has to remember their manifest. */
function watched(history: History | undefined, see: (manifest: Manifest) => void): { readonly history?: History } {
  if (history === undefined) return {};
  const { newest } = history;
  return {
    history: {
      newest,
      async verify(store, opened, options) {
        await history.verify(store, opened, options);
        see(opened.manifest);
      },
    },
  };
}
