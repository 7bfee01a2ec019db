import { expect, test } from "vitest";
import { type FaultHook, MemoryStore } from "../support/memory-store.ts";
import { text } from "./fixture.ts";
import { describeObjectStore } from "./object-store.ts";

describeObjectStore(
  "the memory store",
  async () => {
    const store = new MemoryStore({ prefix: "a/b/" });
    const at = async (prefix: string): Promise<MemoryStore> => new MemoryStore({ bucket: store.bucket, prefix });
    return { store, another: () => at("a/b/"), sibling: () => at("a/bc/"), close: async () => {} };
  },
  { listedKeys: 1001 },
);

const failing: FaultHook["before"] = () => {
  throw new Error("cable pulled");
};

test("a fault before the request changes nothing", async () => {
  const store = new MemoryStore({ faults: { before: failing } });
  await expect(store.create("manifest", text("bytes"))).rejects.toThrow("cable pulled");
  expect(store.bucket.size).toBe(0);
  expect(store.requests).toEqual([{ operation: "create", key: "manifest", bytes: text("bytes") }]);
});

test("a fault after the request loses the answer but applies the write", async () => {
  const store = new MemoryStore({ faults: { after: failing } });
  await expect(store.create("manifest", text("bytes"))).rejects.toThrow("cable pulled");
  expect(store.bucket.get("manifest")?.bytes).toEqual(text("bytes"));
});

test("other requests pass a paused one", async () => {
  const paused = Promise.withResolvers<void>();
  const store = MemoryStore.of({ manifest: text("one") });
  const version = (await store.head("manifest")) ?? expect.unreachable("no manifest");
  store.faults = {
    before: ({ key, bytes }) => (key === "manifest" && bytes?.length === 4 ? paused.promise : undefined),
  };
  const late = store.replace("manifest", text("late"), version);
  await store.replace("manifest", text("two"), version);
  paused.resolve();
  await expect(late).rejects.toThrow("manifest in memory:// is at another version");
});
