import { NotAuthenticError } from "../errors.ts";
import { MANIFEST_KEY } from "./keys.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import { type ParsedManifest, parseManifest } from "./manifest.ts";
import type { ObjectStore, ReadOptions, Version } from "./ports.ts";

export interface FetchedManifest extends ParsedManifest {
  readonly bytes: Uint8Array;
  readonly version: Version;
}

/**
 * The manifest that is there, or null. Nothing of it is proven but its form and bounds.
 *
 * @throws NotAuthenticError form or bounds
 * @throws UnsupportedSpecVersionError an unknown `format` or `kdf.name`
 */
export async function fetchManifest(store: ObjectStore, { signal }: ReadOptions = {}): Promise<FetchedManifest | null> {
  const stored = await store.get(MANIFEST_KEY, { signal, maxBytes: MAX_MANIFEST_BYTES });
  if (stored === null) return null;
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw new NotAuthenticError("the manifest is larger than 1 MiB");
  return { ...parseManifest(stored.bytes), ...stored };
}
