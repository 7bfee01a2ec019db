import * as v from "valibot";
import { decodeUtf8, parseLongJson } from "../../canonical-json.ts";
import { type BundleHeader, refuseBundle } from "./bundle-header.ts";
import { type Item, itemNameFault } from "./item.ts";
import { MAX_MODE } from "./limits.ts";
import { base64, count, exactly, parseShape, text } from "./shape.ts";

/**
 * A bundle lists its items in two ways. The index lists all of them, for holders of the root key. A view lists some of
 * them, each with its key, for the tokens that may read just those.
 */

const entry = {
  id: text,
  name: text,
  kind: v.picklist(["secret", "file"]),
  mode: v.exactOptional(v.pipe(count, v.maxValue(MAX_MODE))),
};
const indexShape = exactly({ items: v.array(exactly(entry)) });
const viewShape = exactly({ items: v.array(exactly({ ...entry, key: base64(32) })) });

/** An item without its data. */
export type ListedItem = v.InferOutput<typeof indexShape>["items"][number];
export type ViewedItem = v.InferOutput<typeof viewShape>["items"][number];

/**
 * @throws BundleCorruptError the form is wrong, or it does not list each item of its header once
 */
export function parseIndex(plaintext: Uint8Array, header: BundleHeader): readonly ListedItem[] {
  const { items } = parseListing(indexShape, plaintext, "an index");
  checkListing(items, header, "an index");
  // All ids are distinct and appear in the header, so equal counts mean that none is missing.
  if (items.length !== header.items.length)
    throw refuseBundle("has an index that does not list the items of its header");
  return items;
}

/**
 * @throws BundleCorruptError the form is wrong, or it lists an item that its header does not have
 */
export function parseView(plaintext: Uint8Array, header: BundleHeader): readonly ViewedItem[] {
  const { items } = parseListing(viewShape, plaintext, "a view");
  checkListing(items, header, "a view");
  return items;
}

function parseListing<Shape extends v.GenericSchema>(
  shape: Shape,
  plaintext: Uint8Array,
  what: string,
): v.InferOutput<Shape> {
  const refuse = (fault: string) => refuseBundle(`has ${what} that ${fault}`);
  const json = decodeUtf8(plaintext, refuse);
  return parseShape(shape, parseLongJson(json, refuse), refuse);
}

function checkListing(items: readonly ListedItem[], header: BundleHeader, what: string): void {
  const refuse = (fault: string) => refuseBundle(`has ${what} that ${fault}`);
  const unlisted = new Set(header.items.map(({ id }) => id));
  if (!items.every(({ id }) => unlisted.delete(id))) throw refuse("does not list the items of its header");
  if (new Set(items.map(({ name }) => name)).size !== items.length) throw refuse("has a name twice");
  for (const { name, kind, mode } of items) {
    const fault = itemNameFault(name, kind);
    if (fault !== null) throw refuse(`has a name that ${fault}`);
    if (kind === "secret" && mode !== undefined) throw refuse("gives a secret a mode");
  }
}

/** The content of the index's box. */
export function encodeIndex(items: readonly Item[]): Uint8Array {
  return Buffer.from(JSON.stringify({ items: items.map(listed) }));
}

/** The content of a view's box. `keyOf` gives the key of an item's box as base64. */
export function encodeView(items: readonly Item[], keyOf: (item: Item) => string): Uint8Array {
  return Buffer.from(JSON.stringify({ items: items.map((item) => ({ ...listed(item), key: keyOf(item) })) }));
}

function listed({ id, name, kind, mode }: Item): ListedItem {
  return { id, name, kind, ...(mode === undefined ? {} : { mode }) };
}
