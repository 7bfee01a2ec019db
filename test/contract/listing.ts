import { expect, test } from "vitest";
import type { ObjectStore } from "../../src/ports.ts";
import { BUNDLE, type Fixture, keysOf, MANIFEST, ROW, text } from "./fixture.ts";

const KEYS = [ROW, "audit/000000000002", "audit/000000000010", "audit-x", "audit0", MANIFEST, BUNDLE, "v=2", "ä"];

export function describeListing(fixture: Fixture, listedKeys: number): void {
  describeParts(fixture);

  test("an empty prefix lists nothing", async () => {
    const { store } = fixture();
    expect(await keysOf(store)).toEqual([]);
    expect(await keysOf(store, "audit/")).toEqual([]);
  });

  test("keys ascend by their UTF-8 bytes", async () => {
    const { store } = fixture();
    await createKeys(store);
    expect(await keysOf(store)).toEqual(KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  test(`${listedKeys} keys, each of them once`, async () => {
    const { store } = fixture();
    const rows = Array.from({ length: listedKeys }, (_, i) => `audit/${String(i + 1).padStart(12, "0")}`);
    for (let from = 0; from < rows.length; from += 16) {
      await Promise.all(rows.slice(from, from + 16).map((key) => store.create(key, text(key))));
    }
    expect(await keysOf(store, "audit/")).toEqual(rows);
    expect(await keysOf(store, "audit/", rows[2])).toEqual(rows.slice(3));
  });

  test("a caller may stop early", async () => {
    const { store } = fixture();
    await createKeys(store);
    const seen: string[] = [];
    for await (const key of store.list("audit/")) {
      seen.push(key);
      break;
    }
    expect(seen).toEqual([ROW]);
  });
}

function describeParts(fixture: Fixture): void {
  test.each([
    ["audit/", [ROW, "audit/000000000002", "audit/000000000010"]],
    ["audit/00000000000", [ROW, "audit/000000000002"]],
    ["audit", ["audit-x", ROW, "audit/000000000002", "audit/000000000010", "audit0"]],
    ["v=", ["v=2", BUNDLE]],
    [MANIFEST, [MANIFEST]],
    ["manifest/", []],
    ["nothing/here", []],
  ])("only what starts with %s", async (keyPrefix, expected) => {
    const { store } = fixture();
    await createKeys(store);
    expect(await keysOf(store, keyPrefix)).toEqual(expected);
  });

  test.each([
    ["audit/", ROW, ["audit/000000000002", "audit/000000000010"]],
    ["audit/", "audit/000000000003", ["audit/000000000010"]],
    ["audit/", "audit/000000000010", []],
    ["audit/", "audit", [ROW, "audit/000000000002", "audit/000000000010"]],
    ["audit/", "b", []],
    ["", MANIFEST, ["v=2", BUNDLE, "ä"]],
  ])("%j after %s", async (keyPrefix, startAfter, expected) => {
    const { store } = fixture();
    await createKeys(store);
    expect(await keysOf(store, keyPrefix, startAfter)).toEqual(expected);
  });
}

async function createKeys(store: ObjectStore): Promise<void> {
  for (const key of KEYS.toReversed()) await store.create(key, text(key));
}
