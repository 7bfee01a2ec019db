import { expect, test } from "vitest";
import { copiedStore, recordingStore } from "../../src/runtime/cache/cache.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { BUNDLE, text } from "../contract/fixture.ts";
import { describeObjectStore } from "../contract/object-store.ts";
import { MemoryStore } from "../support/memory-store.ts";

describeObjectStore("a store whose reads are kept", async () => {
  const store = new MemoryStore({ prefix: "a/b/" });
  const at = async (prefix: string) => recordingStore(new MemoryStore({ bucket: store.bucket, prefix }), new Map());
  return { store: await at("a/b/"), another: () => at("a/b/"), sibling: () => at("a/bc/"), close: async () => {} };
});

test("keeps what was read, despite later changes by its reader, and nothing else", async () => {
  const fetched = new Map<string, Uint8Array>();
  const memory = MemoryStore.of({ [BUNDLE]: text("bundle"), other: text("other") });
  const store = recordingStore(memory, fetched);
  const stored = await store.get(BUNDLE, { maxBytes: 100 });
  stored!.bytes.fill(0);
  await store.get("nowhere", { maxBytes: 100 });
  await store.head("other");
  expect([...fetched]).toEqual([[BUNDLE, text("bundle")]]);
  expect(store.label).toBe(memory.label);
});

test("keeps a copy, even of a Buffer, whose slice is a view", async () => {
  const fetched = new Map<string, Uint8Array>();
  const bytes = Buffer.from("bundle");
  const memory = new MemoryStore();
  memory.get = async () => ({ bytes, version: "1" });
  const store = recordingStore(memory, fetched);
  await store.get(BUNDLE, { maxBytes: 100 });
  bytes.fill(0);
  expect(fetched.get(BUNDLE)).toEqual(text("bundle"));
});

test("a copy returns at most one byte beyond the limit, like every store", async () => {
  const copy = { atMs: 0, manifest: text("manifest"), bundle: text("the bundle"), mac: "the seal" };
  const store = copiedStore(new MemoryStore(), copy);
  for (const [key, content] of [
    [MANIFEST_KEY, "manifest"],
    [BUNDLE, "the bundle"],
  ] as const) {
    for (const maxBytes of [1, content.length - 2, content.length - 1, content.length, 100]) {
      const stored = await store.get(key, { maxBytes });
      expect(stored).toEqual({ bytes: text(content.slice(0, maxBytes + 1)), version: "the seal" });
    }
  }
});
