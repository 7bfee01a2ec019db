import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { sealBox } from "../../../src/crypto/box.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { deriveIndexKey } from "../../../src/crypto/subkeys.ts";
import { aadOf, type BundleHeader } from "../../../src/vault/format/bundle-header.ts";
import type { OpenedVault } from "../../../src/vault/open/open.ts";
import { openBundle, openSigningKey } from "../../../src/vault/open/open-bundle.ts";
import { mutatedBytes, mutatedJson, sampled } from "../../support/samples.ts";
import { HOUR_MS, NEW, OLD, rejection, rootKeyOf, secretItems, World } from "../../support/world.ts";
import { isZero, zeroedOf } from "../../support/zeroed.ts";

/** A vault of two secrets and a file, in this order. */
let world: World;
let vault: OpenedVault;
let genuine: Uint8Array;
beforeEach(async () => {
  world = await World.empty();
  const file = { name: "conf/app", kind: "file", mode: 0o640, data: Secret.ofBytes(Uint8Array.of(0, 255)) } as const;
  await world.push([...secretItems({ A: "the first", EMPTY: "" }), file]);
  vault = await world.open();
  genuine = world.bytes(vault.manifest.bundle.key);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const opening = (bytes: Uint8Array, { manifest, unlocked } = vault) =>
  openBundle(Uint8Array.from(bytes), manifest, (header) => unlocked.openSlot(header));

function withHeader(change: (header: BundleHeader) => unknown): Uint8Array {
  const end = genuine.indexOf(0x0a);
  const header = JSON.parse(Buffer.from(genuine.subarray(0, end)).toString()) as BundleHeader;
  return Buffer.concat([Buffer.from(JSON.stringify(change(header))), genuine.subarray(end)]);
}

/** The genuine bundle with another index, correctly sealed. */
function withIndex(index: string | Uint8Array): Uint8Array {
  const key = deriveIndexKey(rootKeyOf(vault.bundle.keys).expose());
  return withHeader((header) => {
    const box = sealBox(world.random, key, aadOf(header, "index"), Buffer.from(index));
    return { ...header, index: encodeBase64(box) };
  });
}

test("with any byte or header field altered, a bundle is refused or gives the same items", async () => {
  const plain = ({ items }: OpenedVault["bundle"]) =>
    items.map(({ data, ...item }) => ({ ...item, data: Buffer.from(data.expose()).toString("hex") }));
  const header = JSON.parse(Buffer.from(genuine).toString().split("\n")[0] ?? "") as unknown;
  const either = fc.oneof(
    mutatedBytes(genuine),
    mutatedJson(header).map((json) => withHeader(() => json)),
  );
  await fc.assert(
    fc.asyncProperty(either, async (bytes) => {
      const opened = await opening(bytes).catch((error: Error) => error);
      if (!(opened instanceof Error)) expect(plain(opened)).toEqual(plain(vault.bundle));
      else expect(opened.name).toMatch(/^(BundleCorrupt|UnsupportedSpecVersion)Error$/);
    }),
    sampled(800),
  );
});

// The vectors in test/vectors/data/bundle cover the other refused indexes.
test.each([
  ["that is not UTF-8", Uint8Array.of(0xff), "is not UTF-8"],
  [
    "with an endless object, before it is parsed",
    JSON.stringify({ items: [], more: Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`k${at}`, 1])) }),
    "has an object of more than 1024 members",
  ],
])("an index %s is refused", async (_name, index, fault) => {
  expect(await rejection(opening(withIndex(index)))).toMatchObject({
    name: "BundleCorruptError",
    message: `the bundle has an index that ${fault}`,
  });
});

test("items are decrypted in place, so a vault is in memory once", () => {
  const { items, bytes } = vault.bundle;
  expect(items.map(({ data }) => data.expose().buffer === bytes.buffer)).toEqual([true, true, true]);
});

describe("keys and items in memory", () => {
  const last = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
  const withIndexAltered = () =>
    withHeader((header) => ({ ...header, index: encodeBase64(last(Buffer.from(header.index, "base64"))) }));

  /** Every secret that is destroyed from now on. */
  function destroyedFromNow(): Secret[] {
    const destroyed: Secret[] = [];
    const { destroy } = Secret.prototype;
    vi.spyOn(Secret.prototype, "destroy").mockImplementation(function (this: Secret) {
      destroyed.push(this);
      destroy.call(this);
    });
    return destroyed;
  }

  test.each([
    ["an operator", 2],
    ["a reader", 1],
  ])("the keys of %s are zeroed if the bundle does not open", async (holder, keys) => {
    if (holder === "a reader") {
      await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
      vault = await world.open(OLD);
      genuine = world.bytes(vault.manifest.bundle.key);
    }
    const destroyed = destroyedFromNow();
    expect(await rejection(opening(withIndexAltered()))).toMatchObject({
      message: "the bundle's index does not decrypt",
    });
    expect(destroyed.map((it) => it.expose().length)).toEqual(Array.from({ length: keys }, () => 32));
    expect(destroyed.every((it) => isZero(it.expose()))).toBe(true);
  });

  test("so are the items that opened before one that does not", async () => {
    const destroyed = destroyedFromNow();
    expect(await rejection(opening(last(genuine)))).toMatchObject({ name: "BundleCorruptError" });
    expect(destroyed.map((it) => it.expose().length)).toEqual(["the first".length, 0, 32, 32]);
    expect(destroyed.every((it) => isZero(it.expose()))).toBe(true);
  });

  test("the keys of a bundle that opens are the caller's", async () => {
    const destroyed = destroyedFromNow();
    const { keys, items } = await opening(genuine);
    expect([destroyed.length, isZero(rootKeyOf(keys).expose()), items.length]).toEqual([0, false, 3]);
  });

  test("the signing key's PKCS#8 form is zeroed once it is imported", () => {
    const [arrays, buffers] = [zeroedOf(Uint8Array.prototype), zeroedOf(Buffer.prototype)];
    const { header, keys } = vault.bundle;
    expect(openSigningKey(header, keys.operatorKey ?? expect.unreachable()).publicKey).toHaveLength(32);
    expect(arrays.map((bytes) => [bytes.length, isZero(bytes)])).toEqual([[48, true]]);
    // The extracted key and the box's. OpenSSL's copy of the form, between them, is freed too, which leaves it no length.
    expect(buffers.map(({ length }) => length)).toEqual([32, 0, 32]);
    expect(buffers.every((bytes) => bytes.length === 0 || isZero(bytes))).toBe(true);
  });
});

describe("a bundle that was changed in the store", () => {
  const SIZE = "does not have the size that its manifest gives";
  test.each<[string, string, (bytes: Uint8Array) => Uint8Array | null]>([
    ["removed", "is missing", () => null],
    ["longer", SIZE, (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ["shorter", SIZE, (bytes) => bytes.subarray(0, -1)],
    ["altered", "does not have the digest that its manifest gives", (bytes) => bytes.map((byte) => byte ^ 1)],
  ])("%s: cannot be opened or committed on until it is restored", async (_name, fault, alter) => {
    const { key } = vault.manifest.bundle;
    const altered = alter(genuine);
    world.tamper(key, altered);
    for (const act of [() => world.open(), () => world.push({ A: "2" }), () => world.rotate(OLD, NEW)]) {
      expect(await rejection(act())).toMatchObject({
        name: expect.stringMatching(/^Bundle(Corrupt|Missing)Error$/),
        message: `the bundle ${key} ${fault}`,
        hint: expect.stringMatching(
          altered === null ? /^restore the object from/ : /^it was altered in the store: restore it/,
        ),
      });
    }
    await world.tamper(key, genuine).push({ A: "2" });
    expect(await world.secrets()).toEqual({ A: "2" });
  });
});
