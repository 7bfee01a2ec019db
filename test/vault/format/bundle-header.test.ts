import { describe, expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { parseBundle, slotOf } from "../../../src/vault/format/bundle-header.ts";

const VAULT = "AAAAAAAAAAAAAAAAAAAAAA";
const ID = "0123456789abcdef";
const HEADER = {
  format: "vsync-bundle-v1",
  vault: VAULT,
  gen: 3,
  slots: [{ id: "p1", seals: "O", kdf: {}, enc: "AAAA", ct: "" }],
  signing: "AAAA",
  index: "",
  items: [
    { id: "fedcba9876543210", size: 28 },
    { id: ID, size: 30 },
  ],
};
const BOXES = Buffer.from(Uint8Array.from({ length: 58 }, (_, at) => at));

function parsed(change: object, boxes: Uint8Array = BOXES) {
  const line = Buffer.from(`${JSON.stringify({ ...HEADER, ...change })}\n`);
  return parseBundle(Buffer.concat([line, boxes]), VAULT, 3);
}

test("the boxes follow the header line in the header's order, with any bytes", () => {
  const { header, boxes } = parsed({});
  expect(header).toEqual(HEADER);
  expect(boxes.map((box) => Buffer.from(box))).toEqual([BOXES.subarray(0, 28), BOXES.subarray(28)]);
  expect(parsed({ items: [] }, Buffer.of()).boxes).toEqual([]);
});

// The vectors in test/vectors/data/bundle cover the other refusals.
describe("refused", () => {
  const wrong = (field: string): string => `has a field of the wrong form: "${field}"`;
  const [first, last] = HEADER.items;

  test.each<[string, object, string]>([
    ["an index that is not base64", { index: "A===" }, wrong("index")],
    ["a slot that is not an object", { slots: [["p1"]] }, wrong("slots.0")],
    ["a slot without an id", { slots: [{ seals: "O" }] }, wrong("slots.0")],
    ["a slot's id with a space", { slots: [{ id: "p 1" }] }, wrong("slots.0")],
    ["an item's id that is too short", { items: [first, { ...last, id: ID.slice(1) }] }, wrong("items.1.id")],
    ["an item's id that is too long", { items: [first, { ...last, id: `${ID}0` }] }, wrong("items.1.id")],
    ["a box too small for nonce and tag", { items: [first, { ...last, size: 27 }] }, wrong("items.1.size")],
    ["an unknown field of an item", { items: [first, { ...last, name: "A" }] }, wrong("items.1.name")],
  ])("%s", (_name, change, fault) => {
    expect(() => parsed(change)).toThrow(
      expect.objectContaining({ name: "BundleCorruptError", message: `the bundle ${fault}` }),
    );
  });

  test("a header that is not UTF-8, or not an object", () => {
    expect(() => parseBundle(Buffer.of(0xff, 0x0a), VAULT, 3)).toThrow("the bundle is not UTF-8");
    expect(() => parseBundle(Buffer.from("null\n"), VAULT, 3)).toThrow("the bundle has no format");
  });

  test("more than 1024 slots", () => {
    const slots = Array.from({ length: 1025 }, (_, at) => ({ id: `s${at}` }));
    expect(parsed({ slots: slots.slice(1) }).header.slots).toHaveLength(1024);
    expect(() => parsed({ slots })).toThrow("the bundle has more than 1024 slots");
  });

  test("an endless structure in an unknown holder's slot, before it is parsed", () => {
    const members = Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`k${at}`, 1]));
    expect(() => parsed({ slots: [{ id: "x", y: members }] })).toThrow(/1024 members$/);
  });
});

describe("views and boxes", () => {
  const box = encodeBase64(new Uint8Array(28));
  const view = { id: "00000000000000aa", box };

  test("are skipped", () => {
    const boxes = { roll: box, "of a later version": box };
    expect(parsed({ views: [view], boxes }).header).toMatchObject({ views: [view], boxes });
  });

  test.each<[string, object, string]>([
    ["two views of one id", { views: [view, view] }, "has two views with the same id"],
    ["a box that is not base64", { boxes: { other: box, more: "A" } }, 'has a field of the wrong form: "boxes"'],
    ["boxes in a list", { boxes: [box] }, 'has a field of the wrong form: "boxes"'],
    ["a view without a box", { views: [{ id: view.id }] }, 'has a field of the wrong form: "views.0.box"'],
  ])("but not %s", (_name, change, fault) => {
    expect(() => parsed(change)).toThrow(`the bundle ${fault}`);
  });
});

describe("a slot", () => {
  const slot = (change: object) => {
    const others = [{ id: "ci", anything: [1] }];
    return () => slotOf(parsed({ slots: [...others, { ...HEADER.slots[0], ...change }] }).header, "p1");
  };

  test("is parsed only by its holder: other slots may have any form", () => {
    expect(slot({})()).toEqual(HEADER.slots[0]);
    expect(slot({ seals: "R" })()).toMatchObject({ id: "p1", seals: "R" });
  });

  test.each<[string, object, string]>([
    ["whose key derivation is a list", { kdf: [] }, '"kdf"'],
    ["whose key derivation is null", { kdf: null }, '"kdf"'],
    ["whose encapsulated key is not base64", { enc: "A" }, '"enc"'],
    ["with an unknown field", { constructor: 1 }, '"constructor"'],
  ])("%s is refused", (_name, change, field) => {
    expect(slot(change)).toThrow(
      expect.objectContaining({
        name: "BundleCorruptError",
        message: `the bundle has a field of the wrong form: ${field}`,
      }),
    );
  });
});
