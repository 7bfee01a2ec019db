import type { Version } from "../../ports.ts";
import { requireUnmoved } from "../format/moved.ts";
import { MANIFEST_KEY } from "../format/object-keys.ts";
import { BundleMissingError, fetchBundle, type OpenedBundle, openBundle } from "./open-bundle.ts";
import {
  type FetchedManifest,
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
 * Opens a vault for reading with two GETs, the second in parallel with the key derivation. If both fail, it throws the
 * error that comes first in the format's order. It zeroes the bundle's keys, so only the items remain.
 *
 * @throws every error of `docs/format.md` §5, and those of the store
 */
export async function openVault(ports: ReadPorts, request: OpenRequest): Promise<OpenedVault> {
  const vault = await openWithKeys(ports, request);
  vault.bundle.keys[Symbol.dispose]();
  return vault;
}

/** A reader's two GETs are seconds apart, commits with a gc minutes: retrying more often would not help. */
const MOST_OPENINGS = 5;

/** Like `openVault`, but hands the bundle's keys to the caller. */
export async function openWithKeys(ports: ReadPorts, request: OpenRequest): Promise<OpenedVault> {
  let seen: Version | undefined;
  const onFetched = ({ version }: FetchedManifest) => {
    seen = version;
  };
  for (let opening = 1; ; opening++) {
    try {
      return await openOnce(ports, opening === 1 ? request : { ...request, stored: undefined }, onFetched);
    } catch (error) {
      if (!(error instanceof BundleMissingError) || opening === MOST_OPENINGS) throw error;
      // If a commit and a gc happened between our two GETs, open the newer manifest instead.
      const hasMoved = (await ports.store.head(MANIFEST_KEY, { signal: request.signal })) !== seen;
      if (!hasMoved) throw error;
    }
  }
}

async function openOnce(
  ports: ReadPorts,
  request: OpenRequest,
  onFetched: (fetched: FetchedManifest) => void,
): Promise<OpenedVault> {
  const fetched = await requireManifest(ports.store, request);
  onFetched(fetched);
  const { manifest } = fetched;
  const abort = new AbortController();
  const signal = request.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, request.signal]);
  const fetchingBundle = fetchBundle(ports.store, manifest.bundle, { signal });
  fetchingBundle.catch(() => {
    // Errors surface where it is awaited, after the manifest's own errors.
  });
  try {
    const opened = await proveManifest(fetched, ports, request);
    const bytes = await fetchingBundle.catch((error: unknown) => {
      if (error instanceof BundleMissingError) requireUnmoved(manifest);
      throw error;
    });
    const bundle = await openBundle(bytes, manifest, (header) => opened.unlocked.openSlot(header));
    return { ...opened, bundle };
  } catch (error) {
    abort.abort();
    throw error;
  }
}
