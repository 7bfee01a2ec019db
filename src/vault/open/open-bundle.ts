import { isUtf8 } from "node:buffer";
import { decodeCheckedBase64 as decode } from "../../crypto/base64.ts";
import { openBox, openBoxInPlace } from "../../crypto/box.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { Secret } from "../../crypto/secret.ts";
import { importSigningKey, type SigningKey } from "../../crypto/signing.ts";
import { deriveSigningBoxKey, withKey } from "../../crypto/subkeys.ts";
import { BundleCorruptError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { aadOf, type BundleHeader, parseBundle, refuseBundle } from "../format/bundle-header.ts";
import type { Item } from "../format/item.ts";
import type { ListedItem } from "../format/listing.ts";
import type { Manifest } from "../format/manifest.ts";
import type { BundleKeys } from "../unlock/bundle-keys.ts";
import type { BundlePlace } from "../unlock/key-holder.ts";

export interface OpenedBundle {
  readonly header: BundleHeader;
  /** The caller disposes of them, after it has taken the signing key if it needs one. */
  readonly keys: BundleKeys;
  /** Every item that the keys may read, in the order of the index. */
  readonly items: readonly Item[];
  /** The fetched bytes. The items' data are views of them. */
  readonly bytes: Uint8Array;
}

/** Whether the keys read every item of the vault. Those of a token may not. */
export function readsAll({ header, items }: Pick<OpenedBundle, "header" | "items">): boolean {
  return items.length === header.items.length;
}

/** Opens the holder's slot in the header. */
export type OpenSlot = (header: BundleHeader) => Promise<BundleKeys>;

/**
 * Opens a bundle from its bytes (`docs/format.md` §5, Opening).
 *
 * @param bytes decrypted in place: a vault may be 64 MiB and would otherwise be in memory twice
 * @throws BundleCorruptError header, slot, box or index
 * @throws UnsupportedSpecVersionError an unknown `format` or `kdf.name`
 * @throws what `openSlot` throws
 */
export async function openBundle(
  bytes: Uint8Array,
  { vault, gen }: BundlePlace,
  openSlot: OpenSlot,
): Promise<OpenedBundle> {
  const { header, boxes } = parseBundle(bytes, vault, gen);
  const keys = await openSlot(header);
  try {
    return { header, keys, items: openItems(header, boxes, keys), bytes };
  } catch (error) {
    keys[Symbol.dispose]();
    throw error;
  }
}

function openItems(header: BundleHeader, boxes: readonly Uint8Array[], keys: BundleKeys): Item[] {
  const boxOf = new Map(header.items.map((item, at) => [item.id, boxes[at]]));
  const items: Item[] = [];
  try {
    for (const listed of keys.list(header)) {
      items.push(openItem(header, boxOf.get(listed.id) ?? new Uint8Array(), listed, keys));
    }
    return items;
  } catch (error) {
    for (const { data } of items) data.destroy();
    throw error;
  }
}

function openItem(header: BundleHeader, box: Uint8Array, listed: ListedItem, keys: BundleKeys): Item {
  const { id, name, kind, mode } = listed;
  const data = withKey(keys.itemKey(listed), (key) =>
    openBoxInPlace(key, aadOf(header, id), box, `an item (${id}) of the bundle`),
  );
  // Check the bytes: decoding them for the check would leave a string in memory.
  if (kind === "secret" && !isUtf8(data)) throw refuseBundle("holds a secret that is not UTF-8");
  return { id, name, kind, ...(mode === undefined ? {} : { mode }), data: Secret.ofBytes(data) };
}

/**
 * Opens the vault's signing key, which only writers do.
 *
 * @throws BundleCorruptError the box does not open, or does not hold an Ed25519 key
 */
export function openSigningKey(
  header: Pick<BundleHeader, "vault" | "gen" | "signing">,
  operatorKey: Secret,
): SigningKey {
  const pkcs8 = withKey(deriveSigningBoxKey(operatorKey.expose()), (key) =>
    openBox(key, aadOf(header, "signing"), decode(header.signing), "the bundle's signing key"),
  );
  try {
    return importSigningKey(pkcs8);
  } finally {
    pkcs8.fill(0);
  }
}

/** The bundle is missing: somebody removed it, or gc did after a newer commit. */
export class BundleMissingError extends BundleCorruptError {}

/**
 * Fetches the bundle that a manifest or an audit row names, and checks its size and digest.
 *
 * @throws BundleMissingError it is missing
 * @throws BundleCorruptError it has another size or digest
 */
export async function fetchBundle(
  store: ObjectStore,
  ref: Manifest["bundle"],
  { signal }: ReadOptions = {},
): Promise<Uint8Array> {
  const stored = await store.get(ref.key, { signal, maxBytes: ref.size });
  if (stored === null) throw new BundleMissingError(`the bundle ${ref.key} is missing`);
  if (stored.bytes.length !== ref.size) throw corrupt(ref, "does not have the size that its manifest gives");
  if (sha256Hex(stored.bytes) !== ref.sha256) throw corrupt(ref, "does not have the digest that its manifest gives");
  return stored.bytes;
}

function corrupt(ref: Manifest["bundle"], fault: string): BundleCorruptError {
  return new BundleCorruptError(`the bundle ${ref.key} ${fault}`, {
    hint: "it was altered in the store: restore it from the bucket's object versions or a backup",
  });
}
