import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  BUNDLE,
  collect,
  contentOf,
  expectConflict,
  type Fixture,
  keysOf,
  MANIFEST,
  MAX_BYTES,
  ROW,
  type StoreFixture,
  text,
} from "./fixture.ts";
import { describeListing } from "./listing.ts";
import { describeRaces } from "./races.ts";

export type { StoreFixture } from "./fixture.ts";

export interface ContractOptions {
  /** The length of the long listing. Above 1000, S3 answers in pages. Default 25. */
  readonly listedKeys?: number;
}

/** The contract of every `ObjectStore`. */
export function describeObjectStore(
  name: string,
  open: () => Promise<StoreFixture>,
  options: ContractOptions = {},
): void {
  describe(`${name} keeps the object store contract`, () => {
    let current: StoreFixture | undefined;
    const fixture: Fixture = () => current ?? expect.unreachable("the fixture is not open");

    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });

    describe("reading", () => describeReading(fixture));
    describe("bytes", () => describeBytes(fixture));
    describe("creating", () => describeCreating(fixture));
    describe("replacing", () => describeReplacing(fixture));
    describe("replacing with earlier bytes", () => describeSameBytes(fixture));
    describe("listing", () => describeListing(fixture, options.listedKeys ?? 25));
    describe("deleting", () => describeDeleting(fixture));
    describe("prefixes", () => describePrefixes(fixture));
    describe("races", () => describeRaces(fixture));
    describe("aborting", () => describeAborting(fixture));
  });
}

function describeReading(fixture: Fixture): void {
  test("a missing object is null", async () => {
    const { store } = fixture();
    expect(await store.head(MANIFEST)).toBeNull();
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES })).toBeNull();
    expect(await store.head(ROW)).toBeNull();
    expect(await store.get(ROW, { maxBytes: MAX_BYTES })).toBeNull();
  });

  test("a prefix of other keys is not an object", async () => {
    const { store } = fixture();
    await store.create(ROW, text("row"));
    expect(await store.head("audit")).toBeNull();
    expect(await store.get("audit", { maxBytes: MAX_BYTES })).toBeNull();
    expect(await store.head(`${ROW}/below`)).toBeNull();
  });

  test.each([MANIFEST, BUNDLE, ROW])("%s: create, head and get agree on the version", async (key) => {
    const { store, another } = fixture();
    const version = await store.create(key, text(`bytes of ${key}`));
    expect(version).not.toBe("");
    expect(await store.head(key)).toBe(version);
    expect(await store.get(key, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text(`bytes of ${key}`), version });
    expect(await (await another()).head(key)).toBe(version);
  });

  test("a longer object comes back cut to maxBytes + 1, with the version of the whole", async () => {
    const { store } = fixture();
    const version = await store.create(BUNDLE, text("0123456789"));
    expect(await store.get(BUNDLE, { maxBytes: 4 })).toMatchObject({ bytes: text("01234"), version });
    expect(await store.get(BUNDLE, { maxBytes: 9 })).toMatchObject({ bytes: text("0123456789"), version });
    expect(await store.get(BUNDLE, { maxBytes: 10 })).toMatchObject({ bytes: text("0123456789"), version });
    expect(await store.get(BUNDLE, { maxBytes: 0 })).toMatchObject({ bytes: text("0"), version });
  });

  test("the store has a name", () => {
    expect(fixture().store.label).not.toBe("");
  });
}

function describeBytes(fixture: Fixture): void {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
  const mebibyte = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 2_654_435_761) >>> 24);

  test.each<[string, Uint8Array]>([
    ["an empty object", new Uint8Array(0)],
    ["every byte", everyByte],
    ["bytes that are not UTF-8", Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28, 0x0d, 0x0a, 0x1a)],
    ["a view into a larger buffer", everyByte.subarray(65, 75)],
    ["1 MiB", mebibyte],
  ])("%s comes back as it went in", async (_, bytes) => {
    const { store } = fixture();
    const version = await store.create(BUNDLE, bytes);
    const stored = await store.get(BUNDLE, { maxBytes: MAX_BYTES });
    expect(stored?.version).toBe(version);
    expect(Buffer.from(stored?.bytes ?? []).equals(bytes)).toBe(true);
    expect(stored?.bytes.length).toBe(bytes.length);
  });

  test("an empty object exists, even with a limit of no bytes", async () => {
    const { store } = fixture();
    const version = await store.create(MANIFEST, new Uint8Array(0));
    expect(await store.get(MANIFEST, { maxBytes: 0 })).toMatchObject({ bytes: new Uint8Array(0), version });
  });

  test("the caller may change its buffers afterwards", async () => {
    const { store } = fixture();
    const given = text("as written");
    const version = await store.create(MANIFEST, given);
    given.fill(0);
    (await store.get(MANIFEST, { maxBytes: MAX_BYTES }))?.bytes.fill(0);
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("as written"), version });
  });
}

function describeCreating(fixture: Fixture): void {
  test.each([
    ["other bytes", "second"],
    ["the same bytes", "first"],
    ["no bytes", ""],
  ])("an existing key is a conflict and keeps its bytes: %s", async (_, content) => {
    const { store, another } = fixture();
    const version = await store.create(BUNDLE, text("first"));
    await expectConflict((await another()).create(BUNDLE, text(content)));
    await expectConflict(store.create(BUNDLE, text(content)));
    expect(await store.get(BUNDLE, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("first"), version });
  });

  test("a deleted key can be created again", async () => {
    const { store } = fixture();
    await store.create(BUNDLE, text("first"));
    await store.delete(BUNDLE);
    const version = await store.create(BUNDLE, text("second"));
    expect(await store.get(BUNDLE, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("second"), version });
  });
}

function describeReplacing(fixture: Fixture): void {
  test("at its version: gives the new bytes and their version", async () => {
    const { store, another } = fixture();
    const first = await store.create(MANIFEST, text("one, and longer"));
    const second = await (await another()).replace(MANIFEST, text("two"), first);
    expect(second).not.toBe(first);
    expect(await store.head(MANIFEST)).toBe(second);
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("two"), version: second });
  });

  test("at a stale version: a conflict that changes nothing", async () => {
    const { store } = fixture();
    const first = await store.create(MANIFEST, text("one"));
    const second = await store.replace(MANIFEST, text("two"), first);
    await expectConflict(store.replace(MANIFEST, text("three"), first));
    await expectConflict(store.replace(MANIFEST, text("two"), first));
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("two"), version: second });
  });

  test("a missing key: a conflict that creates nothing", async () => {
    const { store } = fixture();
    const version = await store.create(MANIFEST, text("one"));
    await expectConflict(store.replace(ROW, text("two"), version));
    await store.delete(MANIFEST);
    await expectConflict(store.replace(MANIFEST, text("two"), version));
    expect(await keysOf(store)).toEqual([]);
  });
}

function describeSameBytes(fixture: Fixture): void {
  test("an object that changed comes whole, and one that did not keeps its version", async () => {
    const { store } = fixture();
    const unless = await store.create(MANIFEST, text("one"));
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES, unless })).toMatchObject({ version: unless });
    const version = await store.replace(MANIFEST, text("two"), unless);
    const changed = await store.get(MANIFEST, { maxBytes: MAX_BYTES, unless });
    expect(changed).toMatchObject({ bytes: text("two"), version });
  });

  test("writing the same bytes again is an ordinary write", async () => {
    const { store } = fixture();
    const version = await store.create(MANIFEST, text("one"));
    const again = await store.replace(MANIFEST, text("one"), version);
    expect(await store.head(MANIFEST)).toBe(again);
  });

  test("A to B and back to A: only the version of the present bytes is accepted", async () => {
    const { store } = fixture();
    const a = await store.create(MANIFEST, text("A"));
    const b = await store.replace(MANIFEST, text("B"), a);
    const backToA = await store.replace(MANIFEST, text("A"), b);
    await expectConflict(store.replace(MANIFEST, text("C"), b));
    await store.replace(MANIFEST, text("C"), backToA);
    expect(await contentOf(store, MANIFEST)).toBe("C");
  });
}

function describeDeleting(fixture: Fixture): void {
  test("a deleted object is gone and its neighbours stay", async () => {
    const { store, another } = fixture();
    await store.create(BUNDLE, text("bundle"));
    await store.create(MANIFEST, text("manifest"));
    await store.delete(BUNDLE);
    expect(await store.head(BUNDLE)).toBeNull();
    expect(await (await another()).get(BUNDLE, { maxBytes: MAX_BYTES })).toBeNull();
    expect(await keysOf(store)).toEqual([MANIFEST]);
  });

  test("deleting a missing object is not an error", async () => {
    const { store } = fixture();
    await store.create(ROW, text("row"));
    await store.delete(ROW);
    await store.delete(ROW);
    await store.delete(MANIFEST);
    await store.delete("audit/000000000009");
    expect(await keysOf(store)).toEqual([]);
  });
}

function describePrefixes(fixture: Fixture): void {
  test("two prefixes of one bucket do not see each other's objects", async () => {
    const { store, sibling } = fixture();
    const other = await sibling();
    const version = await store.create(MANIFEST, text("mine"));
    expect(await other.head(MANIFEST)).toBeNull();
    expect(await keysOf(other)).toEqual([]);
    await expectConflict(other.replace(MANIFEST, text("theirs"), version));

    await other.create(MANIFEST, text("theirs"));
    await other.create(ROW, text("their row"));
    expect(await keysOf(store)).toEqual([MANIFEST]);
    await other.delete(MANIFEST);
    expect(await store.get(MANIFEST, { maxBytes: MAX_BYTES })).toMatchObject({ bytes: text("mine"), version });
  });
}

function describeAborting(fixture: Fixture): void {
  test("an aborted read rejects with the signal's reason", async () => {
    const { store } = fixture();
    await store.create(MANIFEST, text("there"));
    const reason = new Error("the caller has given up");
    const signal = AbortSignal.abort(reason);
    await expect(store.head(MANIFEST, { signal })).rejects.toBe(reason);
    await expect(store.get(MANIFEST, { signal, maxBytes: MAX_BYTES })).rejects.toBe(reason);
    await expect(collect(store.list("", { signal }))).rejects.toBe(reason);
  });

  test("a signal that is not aborted changes nothing", async () => {
    const { store } = fixture();
    const { signal } = new AbortController();
    const version = await store.create(MANIFEST, text("there"));
    expect(await store.head(MANIFEST, { signal })).toBe(version);
    expect((await store.get(MANIFEST, { signal, maxBytes: MAX_BYTES }))?.version).toBe(version);
    expect(await collect(store.list("", { signal }))).toEqual([MANIFEST]);
  });
}
