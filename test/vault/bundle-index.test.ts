import { beforeAll, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sealBox } from "../../src/crypto/box.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { deriveIndexKey, deriveItemKey } from "../../src/crypto/subkeys.ts";
import { aadOf } from "../../src/vault/format/bundle-header.ts";
import type { OpenedVault } from "../../src/vault/open/open.ts";
import { openBundle } from "../../src/vault/open/open-bundle.ts";
import { rejection, secretItems, World } from "../support/world.ts";

/** A vault of two secrets and a file, in this order. */
let world: World;
let vault: OpenedVault;
beforeAll(async () => {
  world = await World.empty();
  const file = { name: "conf/app", kind: "file", mode: 0o600, data: Secret.ofText("file") } as const;
  await world.push([...secretItems({ A: "1", B: "2" }), file]);
  vault = await world.open();
});

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly mode?: number;
}

function genuineIndex(): Entry[] {
  return vault.bundle.items.map(({ id, name, kind, mode }) => ({
    id,
    name,
    kind,
    ...(mode === undefined ? {} : { mode }),
  }));
}

/** The genuine bundle with another index, sealed as only who holds its keys can, and its last boxes exchanged for `boxes`. */
function crafted(index: string | Uint8Array, boxes: readonly Uint8Array[] = []): Uint8Array {
  const bytes = world.store.bucket.get(vault.manifest.bundle.key)?.bytes ?? expect.unreachable();
  const { header, keys } = vault.bundle;
  const indexKey = deriveIndexKey(keys.rootKey.expose());
  const box = sealBox(world.random, indexKey, aadOf(header, "index"), Buffer.from(index));
  const kept = header.items.slice(0, header.items.length - boxes.length);
  const sizes = boxes.map((other, at) => ({ id: header.items[kept.length + at]?.id, size: other.length }));
  const text = JSON.stringify({ ...header, index: encodeBase64(box), items: [...kept, ...sizes] });
  const start = bytes.indexOf(0x0a) + 1;
  const end = start + kept.reduce((sum, { size }) => sum + size, 0);
  return Buffer.concat([
    Buffer.from(`${text}\n`),
    bytes.subarray(start, boxes.length === 0 ? undefined : end),
    ...boxes,
  ]);
}

function opening(bytes: Uint8Array) {
  return openBundle(bytes, vault.manifest, (header) => vault.unlocked.openSlot(header));
}

function withEntry(at: number, change: Partial<Entry>): Entry[] {
  return genuineIndex().map((entry, index) => (index === at ? { ...entry, ...change } : entry));
}

describe("an index that only who holds the vault's keys can have crafted", () => {
  test("opens where it is as it must be, in its own order", async () => {
    const reversed = genuineIndex().toReversed();
    const { items } = await opening(crafted(JSON.stringify({ items: reversed })));
    expect(items.map(({ data: _data, ...item }) => item)).toEqual(reversed);
    expect(items.map(({ data }) => data.exposeText())).toEqual(["file", "2", "1"]);
  });

  const other = "00000000000000aa";
  const notItsItems = "does not list the items of its header";
  const cases: readonly [string, string, () => unknown][] = [
    [
      "lists an item that has no box",
      notItsItems,
      () => [...genuineIndex(), { ...genuineIndex()[0], id: other, name: "C" }],
    ],
    ["leaves an item out", notItsItems, () => genuineIndex().slice(1)],
    ["lists another item", notItsItems, () => withEntry(1, { id: other })],
    ["lists an item twice, under two names", notItsItems, () => withEntry(1, { id: genuineIndex()[0]?.id ?? "" })],
    ["has a name twice", "has a name twice", () => withEntry(1, { name: "A" })],
    [
      "has a file's name that leaves its folder",
      "has a name that must not have a segment . or ..",
      () => withEntry(2, { name: "../x" }),
    ],
    [
      "has a secret's name with a control character",
      "has a name that must not have control characters",
      () => withEntry(0, { name: "A\n" }),
    ],
    ["gives a secret a mode", "gives a secret a mode", () => withEntry(0, { mode: 0o600 })],
    [
      "gives a file more than permission bits",
      'has a field of the wrong form: "items.2.mode"',
      () => withEntry(2, { mode: 0o1000 }),
    ],
    [
      "has an item of another kind",
      'has a field of the wrong form: "items.0.kind"',
      () => withEntry(0, { kind: "link" }),
    ],
  ];
  test.each(cases)("%s", async (_name, fault, items) => {
    expect(await rejection(opening(crafted(JSON.stringify({ items: items() }))))).toMatchObject({
      name: "BundleCorruptError",
      message: `the bundle has an index that ${fault}`,
    });
  });

  test("has no end of members: refused before it is parsed", async () => {
    const members = Array.from({ length: 1025 }, (_, at) => [`k${at}`, 1] as const);
    expect(
      await rejection(opening(crafted(JSON.stringify({ items: [], more: Object.fromEntries(members) })))),
    ).toMatchObject({
      name: "BundleCorruptError",
      message: "the bundle has an index that has an object of more than 1024 members",
    });
  });

  test.each([
    ["is no UTF-8", Uint8Array.of(0xff), "is not UTF-8"],
    ["is no canonical JSON", '{"items": []}', "is not its own re-serialisation"],
  ])("%s", async (_name, index, fault) => {
    expect(await rejection(opening(crafted(index)))).toMatchObject({
      name: "BundleCorruptError",
      message: `the bundle has an index that ${fault}`,
    });
  });
});

test("a secret that is no UTF-8 is refused, a file that is none is not", async () => {
  const { header, keys } = vault.bundle;
  const [, , last = expect.unreachable()] = header.items;
  const itemKey = deriveItemKey(keys.rootKey.expose(), last.id);
  const box = sealBox(world.random, itemKey, aadOf(header, last.id), Uint8Array.of(0xff));
  const asFile = crafted(JSON.stringify({ items: genuineIndex() }), [box]);
  expect([...((await opening(asFile)).items[2]?.data.expose() ?? [])]).toEqual([0xff]);
  const [a, b] = genuineIndex();
  const asSecret = crafted(JSON.stringify({ items: [a, b, { id: last.id, name: "C", kind: "secret" }] }), [box]);
  expect(await rejection(opening(asSecret))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle holds a secret that is not UTF-8",
  });
});
