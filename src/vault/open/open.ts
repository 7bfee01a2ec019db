import type { Version } from "../../ports.ts";
import type { Manifest } from "../format/manifest.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import { PassphraseKeys } from "../unlock/passphrase-holder.ts";
import {
  BundleMissingError,
  destroyBundleKey,
  fetchBundle,
  type OpenedBundle,
  openBundle,
  sealsOf,
} from "./open-bundle.ts";
import type { FetchedManifest } from "./open-manifest.ts";
import {
  type OpenedManifest,
  type OpenRequest,
  proveManifest,
  type ReadPorts,
  requireManifest,
} from "./open-manifest.ts";

/** A vault at one generation, decrypted in memory. */
export interface OpenedVault extends OpenedManifest {
  readonly bundle: OpenedBundle;
}

/**
 * Opens a vault: two GETs, the second overlapping the key derivation. Whatever finishes first, the error that comes out
 * is the first in the format's order. All keys are zeroed: what is left is the items.
 *
 * @throws every error of `docs/format.md` §5, and those of the store
 */
export async function openVault(
  ports: ReadPorts,
  request: OpenRequest,
  keys = new PassphraseKeys(request.passphrase),
): Promise<OpenedVault> {
  try {
    const vault = await openWith(ports, request, keys);
    destroyBundleKey(vault.bundle.key);
    return vault;
  } finally {
    keys.destroy();
  }
}

/**
 * As `openVault`, with the keys left to whoever owns them. `onParsed` sees the manifest before anything is derived from
 * it: what it throws ends the opening.
 */
export async function openWith(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
  onParsed?: (manifest: Manifest) => void,
): Promise<OpenedVault> {
  let seen: Version | undefined;
  const onFetched = ({ manifest, version }: FetchedManifest) => {
    seen = version;
    onParsed?.(manifest);
  };
  try {
    return await openOnce(ports, request, keys, onFetched);
  } catch (error) {
    if (!(error instanceof BundleMissingError)) throw error;
    // A commit and a gc may have come between our two GETs: then there is a newer manifest, and it is opened instead.
    const hasMoved = (await ports.store.head(MANIFEST_KEY, { signal: request.signal })) !== seen;
    if (!hasMoved) throw error;
    return openOnce(ports, request, keys, onFetched);
  }
}

async function openOnce(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
  onFetched: (fetched: FetchedManifest) => void,
): Promise<OpenedVault> {
  const fetched = await requireManifest(ports.store, request, keys);
  onFetched(fetched);
  const { manifest } = fetched;
  const abort = new AbortController();
  const signal = request.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, request.signal]);
  const fetchingBundle = fetchBundle(ports.store, manifest.bundle, { signal });
  fetchingBundle.catch(() => {
    // Whatever it fails with is reported after the manifest's own errors, where it is awaited.
  });
  try {
    const opened = await proveManifest(fetched, ports.clock, request, keys);
    const bytes = await fetchingBundle;
    const { entry, key } = opened.unlocked;
    const by = { slot: entry.slot, seed: key.seed, seals: sealsOf(entry) };
    const bundle = await openBundle(bytes, manifest.vault, manifest.gen, by);
    return { ...opened, bundle };
  } catch (error) {
    abort.abort();
    throw error;
  }
}
