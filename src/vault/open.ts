import { BundleMissingError, fetchBundle } from "./fetch-bundle.ts";
import type { FetchedManifest } from "./fetch-manifest.ts";
import { MANIFEST_KEY } from "./keys.ts";
import type { Manifest } from "./manifest.ts";
import { destroyBundleKey, type OpenedBundle, openBundle, sealsOf } from "./open-bundle.ts";
import { type OpenedManifest, type OpenRequest, openManifest, type ReadPorts, signalOf } from "./open-manifest.ts";
import { PassphraseKeys } from "./passphrase-keys.ts";
import type { Version } from "./ports.ts";
import { release } from "./release.ts";

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

/** As `openVault`; the keys stay usable until their owner destroys them. What `onParsed` throws ends the opening. */
export async function openWith(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
  onParsed?: (manifest: Manifest) => void,
): Promise<OpenedVault> {
  let seen: Version | undefined;
  const noted = (manifest: FetchedManifest) => {
    seen = manifest.version;
    onParsed?.(manifest.manifest);
  };
  try {
    return await openOnce(ports, request, keys, noted);
  } catch (error) {
    // Between our two GETs a commit and a gc may have come: then there is a newer manifest, and it is opened instead.
    const isGone =
      error instanceof BundleMissingError && (await ports.store.head(MANIFEST_KEY, signalOf(request))) !== seen;
    if (!isGone) throw error;
    return openOnce(ports, request, keys, noted);
  }
}

async function openOnce(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
  onParsed: (manifest: FetchedManifest) => void,
): Promise<OpenedVault> {
  const abort = new AbortController();
  const signal = request.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, request.signal]);
  let fetching: Promise<Uint8Array> | undefined;
  try {
    const opened = await openManifest(ports, request, keys, (fetched) => {
      onParsed(fetched);
      fetching = fetchBundle(ports.store, fetched.manifest.bundle, { signal });
      fetching.catch(() => {
        // Its turn comes after the manifest's own errors; until then nobody listens.
      });
    });
    const bytes = await (fetching ?? fetchBundle(ports.store, opened.manifest.bundle, signalOf(request)));
    const { manifest, unlocked } = opened;
    const by = { slot: unlocked.entry.slot, seed: unlocked.key.seed, seals: sealsOf(unlocked.entry) };
    const bundle = await openBundle(bytes, manifest.vault, manifest.gen, by);
    release(bytes);
    return { ...opened, bundle };
  } catch (error) {
    abort.abort();
    throw error;
  }
}
