import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withActivity } from "../../../src/cli/terminal/activity.ts";
import type { ObjectStore } from "../../../src/ports.ts";

let written: string[];
const sink = { write: (chunk: string | Uint8Array) => written.push(String(chunk)), columns: 60 };

beforeEach(() => {
  written = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Every call takes `ms`, and then ends as `end` does. */
function slowStore(ms: number, end: () => unknown = () => "version"): ObjectStore {
  const call = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return end() as never;
  };
  return {
    label: "s3://vaults/\u001b[2J",
    head: call,
    get: call,
    create: call,
    replace: call,
    list: async function* () {},
    delete: call,
  };
}

const lively = (store: ObjectStore): ObjectStore => withActivity(store, { sink, isLively: true });
const MIB = new Uint8Array(1_600_000);

describe("a call that takes longer than a second", () => {
  test("shows a moving line with the seconds, and wipes it away", async () => {
    const done = lively(slowStore(2_250)).create("v=1", MIB);
    await vi.advanceTimersByTimeAsync(2_250);
    expect(await done).toBe("version");
    const drawn = written.map((text) => text.replace("\r\u001b[2K", ""));
    expect(drawn).toHaveLength(14);
    expect(drawn[0]).toBe("[====            ] writing 1.5 MiB to s3://vaults/\\x1b[2J, ");
    expect(drawn[1]).toMatch(/^\[ ====           \]/);
    expect(drawn.at(-1)).toBe("");
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(60);
  });

  test("wipes the line away when it fails, too", async () => {
    const failing = lively(slowStore(1_050, () => Promise.reject(new Error("gone")))).head("manifest");
    const rejection = expect(failing).rejects.toThrow("gone");
    await vi.advanceTimersByTimeAsync(1_050);
    await rejection;
    expect(written.at(-1)).toBe("\r\u001b[2K");
  });

  test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ["asking s3:", (store) => store.head("k")],
    ["reading from s3:", (store) => store.get("k", { maxBytes: 1 })],
    ["writing 3 bytes to", (store) => store.replace("k", new Uint8Array(3), "1")],
    ["writing 2.0 KiB to", (store) => store.create("k", new Uint8Array(2048))],
    ["deleting from s3:", (store) => store.delete("k")],
  ])("says %j", async (said, call) => {
    const done = call(lively(slowStore(1_010)));
    await vi.advanceTimersByTimeAsync(1_010);
    await done;
    expect(written[0]).toContain(said);
  });
});

test("a quick call shows nothing", async () => {
  const done = lively(slowStore(990)).get("k", { maxBytes: 1 });
  await vi.advanceTimersByTimeAsync(5_000);
  await done;
  expect(written).toEqual([]);
});

test("without moving parts, returns the store unchanged", () => {
  const store = slowStore(0);
  expect(withActivity(store, { sink, isLively: false })).toBe(store);
});
