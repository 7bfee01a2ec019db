import { sha256Hex } from "../crypto/digest.ts";
import { BundleCorruptError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import type { ObjectStore, ReadOptions } from "./ports.ts";

/** The bundle is not there: it was removed, or a newer generation has come and gc has been quick. */
export class BundleMissingError extends BundleCorruptError {}

/**
 * The bundle that a manifest or an audit row names, proven by size and digest.
 *
 * @throws BundleCorruptError it is not there, or has another size or digest
 */
export async function fetchBundle(
  store: ObjectStore,
  ref: Manifest["bundle"],
  { signal }: ReadOptions = {},
): Promise<Uint8Array> {
  const stored = await store.get(ref.key, { signal, maxBytes: ref.size });
  if (stored === null) throw new BundleMissingError(`the bundle ${ref.key} is not there`);
  if (stored.bytes.length !== ref.size) throw corrupt(ref, "does not have the size that its manifest gives");
  if (sha256Hex(stored.bytes) !== ref.sha256) throw corrupt(ref, "does not have the digest that its manifest gives");
  return stored.bytes;
}

function corrupt(ref: Manifest["bundle"], fault: string): BundleCorruptError {
  return new BundleCorruptError(`the bundle ${ref.key} ${fault}`, {
    hint: "it was altered in the store: put it back, from the bucket's object versions or a backup",
  });
}
