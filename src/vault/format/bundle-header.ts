import * as v from "valibot";
import { decodeUtf8, type JsonObject, parseLongJson, type Refuse } from "../../canonical-json.ts";
import { BOX_OVERHEAD_BYTES } from "../../crypto/box.ts";
import { BundleCorruptError } from "../../errors.ts";
import { MAX_SLOTS } from "./limits.ts";
import { base64, checkFormat, count, exactly, openObject, parseShape, randomId, slotId, text } from "./shape.ts";

export const BUNDLE_FORMAT = "vsync-bundle-v1";
const LF = 0x0a;

const slotShape = exactly({
  id: slotId,
  seals: v.picklist(["O", "R"]),
  kdf: openObject,
  enc: base64(),
  ct: base64(),
});
const box = v.pipe(
  base64(),
  v.check((encoded) => Buffer.byteLength(encoded, "base64") >= BOX_OVERHEAD_BYTES),
);
function holdsBoxes(boxes: JsonObject): boolean {
  return Object.values(boxes).every((content) => v.is(box, content));
}

const itemShape = exactly({
  id: randomId,
  size: v.pipe(count, v.minValue(BOX_OVERHEAD_BYTES)),
});
/** Keeps the object: `looseObject` would silently drop a field named `constructor`. */
const slotWithId = v.custom<JsonObject & { readonly id: string }>(
  (slot) => v.is(openObject, slot) && v.is(slotId, slot["id"]),
);
const headerShape = exactly({
  format: v.literal(BUNDLE_FORMAT),
  vault: text,
  gen: count,
  slots: v.array(slotWithId),
  signing: base64(),
  index: base64(),
  views: v.exactOptional(v.array(exactly({ id: randomId, box }))),
  boxes: v.exactOptional(v.pipe(openObject, v.check(holdsBoxes))),
  items: v.array(itemShape),
});

/** Readers of a header look only at a slot's id, because its content may belong to another holder. */
export type BundleHeader = v.InferOutput<typeof headerShape>;
/** A passphrase slot. `parseKdf` checks its `kdf`. */
type BundleSlot = v.InferOutput<typeof slotShape>;

export const refuseBundle: Refuse = (fault) => new BundleCorruptError(`the bundle ${fault}`);

/**
 * Splits a bundle into its header and the boxes of its items, in header order. The boxes are views of `bytes`.
 *
 * @throws BundleCorruptError the form is wrong, or it is not the bundle of this vault and generation
 * @throws UnsupportedSpecVersionError an unknown `format`
 */
export function parseBundle(
  bytes: Uint8Array,
  vault: string,
  gen: number,
): { header: BundleHeader; boxes: readonly Uint8Array[] } {
  const end = bytes.indexOf(LF);
  if (end === -1) throw refuseBundle("has no header line");
  const header = parseHeader(bytes.subarray(0, end));
  if (header.vault !== vault) throw refuseBundle("belongs to another vault");
  if (header.gen !== gen) throw refuseBundle(`is for generation ${header.gen}, not ${gen}`);
  return { header, boxes: splitBoxes(bytes.subarray(end + 1), header.items) };
}

/** @throws BundleCorruptError the slot is missing, or not a passphrase slot */
export function slotOf(header: BundleHeader, id: string): BundleSlot {
  const slot = header.slots.find((candidate) => candidate.id === id);
  if (slot === undefined) throw refuseBundle(`has no slot ${id}`);
  return parseShape(slotShape, slot, refuseBundle);
}

function parseHeader(line: Uint8Array): BundleHeader {
  const json = decodeUtf8(line, refuseBundle);
  const value = parseLongJson(json, refuseBundle);
  checkFormat(value, BUNDLE_FORMAT, "the bundle", refuseBundle);
  const header = parseShape(headerShape, value as JsonObject, refuseBundle);
  if (header.slots.length > MAX_SLOTS) throw refuseBundle(`has more than ${MAX_SLOTS} slots`);
  checkUnique(header.slots, "slot");
  checkUnique(header.items, "item");
  checkUnique(header.views ?? [], "view");
  return header;
}

function checkUnique(entries: readonly { readonly id: string }[], what: string): void {
  if (new Set(entries.map((entry) => entry.id)).size !== entries.length)
    throw refuseBundle(`has two ${what}s with the same id`);
}

function splitBoxes(rest: Uint8Array, items: BundleHeader["items"]): Uint8Array[] {
  const boxes: Uint8Array[] = [];
  let at = 0;
  for (const { size } of items) {
    boxes.push(rest.subarray(at, at + size));
    at += size;
  }
  if (at !== rest.length) throw refuseBundle(`has ${rest.length} bytes of items, but its header says ${at}`);
  return boxes;
}

/** The associated data of a box or slot (`docs/format.md` §4). */
export function aadOf(place: { readonly vault: string; readonly gen: number }, what: string): string {
  return `${place.vault}|${place.gen}|${what}`;
}
