import { describe, expect, test } from "vitest";
import { parseBundle, slotOf } from "../../src/vault/format/bundle-header.ts";

const VAULT = "AAAAAAAAAAAAAAAAAAAAAA";
const ID = "0123456789abcdef";
const OTHER_ID = "fedcba9876543210";
const HEADER = {
  format: "vsync-bundle-v1",
  vault: VAULT,
  gen: 3,
  slots: [{ id: "p1", seals: "O", kdf: {}, enc: "AAAA", ct: "" }],
  signing: "AAAA",
  index: "",
  items: [
    { id: OTHER_ID, size: 28 },
    { id: ID, size: 30 },
  ],
};
const BOXES = Buffer.from(Uint8Array.from({ length: 58 }, (_, at) => at));

/** A bundle whose header is any JSON; whether its boxes open is not looked at here. */
function bundleOf(header: unknown, boxes: Uint8Array = BOXES): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), boxes]);
}

function expectRefused(bytes: Uint8Array, fault: string): void {
  expect(() => parseBundle(bytes, VAULT, 3)).toThrow(
    expect.objectContaining({ name: "BundleCorruptError", message: `the bundle ${fault}` }),
  );
}

test("a bundle's boxes lie behind its header, in its order, whatever bytes they hold", () => {
  const { header, boxes } = parseBundle(bundleOf(HEADER), VAULT, 3);
  expect(header).toEqual(HEADER);
  expect(boxes.map((box) => Buffer.from(box))).toEqual([BOXES.subarray(0, 28), BOXES.subarray(28)]);
});

test("a bundle of no items ends with its header", () => {
  expect(parseBundle(bundleOf({ ...HEADER, items: [] }, Buffer.of()), VAULT, 3).boxes).toEqual([]);
});

describe("refused", () => {
  const header = (change: object): Buffer => bundleOf({ ...HEADER, ...change });
  const item = (change: object): Buffer => header({ items: [HEADER.items[0], { ...HEADER.items[1], ...change }] });
  const wrong = (field: string): string => `has a field of the wrong form: "${field}"`;

  test.each<[string, () => Uint8Array, string]>([
    ["nothing at all", () => Buffer.of(), "has no header line"],
    ["a header that no line ends", () => bundleOf(HEADER, Buffer.of()).subarray(0, -1), "has no header line"],
    ["no UTF-8", () => Buffer.of(0xff, 0x0a), "is not UTF-8"],
    ["a byte order mark", () => Buffer.concat([Buffer.from("\ufeff"), bundleOf(HEADER)]), "is not JSON"],
    ["no canonical JSON", () => Buffer.concat([Buffer.from(" "), bundleOf(HEADER)]), "is not its own re-serialisation"],
    ["no object", () => bundleOf(null), "has no format"],
    ["another vault's", () => header({ vault: "BAAAAAAAAAAAAAAAAAAAAA" }), "is of another vault"],
    ["another generation's", () => header({ gen: 2 }), "is of generation 2, not 3"],
    ["a field that is unknown", () => header({ more: 1 }), wrong("more")],
    ["no signing key", () => header({ signing: undefined }), wrong("signing")],
    ["a signing key that is no base64", () => header({ signing: "AAA" }), wrong("signing")],
    ["an index that is no base64", () => header({ index: "A===" }), wrong("index")],
    ["a slot that is no object", () => header({ slots: [["p1"]] }), wrong("slots.0")],
    ["a slot without an id", () => header({ slots: [{ seals: "O" }] }), wrong("slots.0")],
    ["a slot's id that is none", () => header({ slots: [{ id: "p 1" }] }), wrong("slots.0")],
    ["a slot's id twice", () => header({ slots: [{ id: "a" }, { id: "b" }, { id: "a" }] }), "has two slots of one id"],
    ["an item's id twice", () => item({ id: OTHER_ID }), "has two items of one id"],
    ["an item's id of capitals", () => item({ id: ID.toUpperCase() }), wrong("items.1.id")],
    ["an item's id that is too short", () => item({ id: ID.slice(1) }), wrong("items.1.id")],
    ["an item's id that is too long", () => item({ id: `${ID}0` }), wrong("items.1.id")],
    ["a box too small for a nonce and a tag", () => item({ size: 27 }), wrong("items.1.size")],
    ["an item with a field that is unknown", () => item({ name: "A" }), wrong("items.1.name")],
    ["bytes behind its boxes", () => item({ size: 29 }), "has 58 bytes of items, its header says 57"],
    ["a box that is cut", () => item({ size: 31 }), "has 58 bytes of items, its header says 59"],
  ])("%s", (_name, bytes, fault) => {
    expectRefused(bytes(), fault);
  });

  test("a later format: upgrade", () => {
    expect(() => parseBundle(bundleOf({ format: "vsync-bundle-v2" }), VAULT, 3)).toThrow(
      expect.objectContaining({
        name: "UnsupportedSpecVersionError",
        message: 'the bundle has the unknown format "vsync-bundle-v2"',
      }),
    );
  });
});

describe("a slot is looked at by whose it is alone", () => {
  function slot(change: object) {
    const slots = [
      { id: "ci", anything: [1] },
      { ...HEADER.slots[0], ...change },
    ];
    return () => slotOf(parseBundle(bundleOf({ ...HEADER, slots }), VAULT, 3).header, "p1");
  }

  test("and is as it stands there", () => {
    expect(slot({})()).toEqual(HEADER.slots[0]);
    expect(slot({ seals: "R" })()).toMatchObject({ id: "p1", seals: "R" });
  });

  test.each<[string, object, string]>([
    ["that is not there", { id: "p2" }, "has no slot p1"],
    ["that seals neither key", { seals: "X" }, 'has a field of the wrong form: "seals"'],
    ["without a key derivation", { kdf: undefined }, 'has a field of the wrong form: "kdf"'],
    ["whose key derivation is a list", { kdf: [] }, 'has a field of the wrong form: "kdf"'],
    ["whose key derivation is nothing", { kdf: null }, 'has a field of the wrong form: "kdf"'],
    ["whose encapsulated key is no base64", { enc: "A" }, 'has a field of the wrong form: "enc"'],
    ["with a field that is unknown", { constructor: 1 }, 'has a field of the wrong form: "constructor"'],
  ])("%s", (_name, change, fault) => {
    expect(slot(change)).toThrow(
      expect.objectContaining({ name: "BundleCorruptError", message: `the bundle ${fault}` }),
    );
  });
});
