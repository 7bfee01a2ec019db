import { expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import type { GetOptions, StoredObject, Version } from "../../src/ports.ts";
import { forgetBundle } from "../../src/vault/commit/open-for-commit.ts";
import { BUNDLE_PREFIX } from "../../src/vault/format/object-keys.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { NEW, OLD, World } from "../support/world.ts";

test("the memory of bytes of their own is given back", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  forgetBundle({ items: [], bytes });
  expect(bytes.length).toBe(0);
  forgetBundle({ items: [{ id: "a", name: "A", kind: "secret", data: Secret.ofBytes(bytes) }], bytes });
});

test("bytes that share their memory stay as they are", () => {
  const whole = Uint8Array.of(1, 2, 3, 4);
  for (const part of [whole.subarray(0, 3), whole.subarray(1)]) forgetBundle({ items: [], bytes: part });
  expect(whole).toEqual(Uint8Array.of(1, 2, 3, 4));
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  forgetBundle({ items: [], bytes: shared });
  expect(shared.length).toBe(4);
});

test("a vault that was opened is held once: its items lie in the bundle as it was fetched", async () => {
  const { bundle } = await (await World.pushed({ A: "1", B: "2" })).open();
  expect(bundle.items.map(({ data }) => data.expose().buffer === bundle.bytes.buffer)).toEqual([true, true]);
});

test("a rotation holds nothing of the old bundle any more when it uploads the new one", async () => {
  const world = await World.pushed({ A: "1" });
  const { bucket } = world.store;
  const fetched: Uint8Array[] = [];
  const atUpload: number[][] = [];
  class Watched extends MemoryStore {
    override async get(key: string, options: GetOptions): Promise<StoredObject | null> {
      const stored = await super.get(key, options);
      if (key.startsWith(BUNDLE_PREFIX) && stored !== null) fetched.push(stored.bytes);
      return stored;
    }
    override create(key: string, bytes: Uint8Array): Promise<Version> {
      if (key.startsWith(BUNDLE_PREFIX)) atUpload.push(fetched.map(({ length }) => length));
      return super.create(key, bytes);
    }
  }
  await world.with({ store: new Watched({ bucket }) }).rotate(OLD, NEW);
  expect(atUpload).toEqual([[0]]);
  expect(await world.secrets(NEW)).toEqual({ A: "1" });
});
