import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Newest } from "../../src/tokens/newest.ts";

/** The store's pending answers. */
let owed: ((seen: { gen: number }) => void)[];
let atMs: number;
let newest: Newest<{ gen: number }>;
beforeEach(() => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  owed = [];
  atMs = 0;
  newest = new Newest({
    read: () => new Promise((answer) => owed.push(answer)),
    clock: { nowMs: () => atMs },
    maxAgeMs: 60_000,
    refreshMs: 45_000,
    maxStaleMs: () => 300_000,
    stale: () => new Error("stale"),
  });
});
afterEach(() => void vi.unstubAllGlobals());

test("in a Worker, no request waits for what another one began", async () => {
  void newest.get();
  const second = newest.get();
  // The first one was cut off.
  owed[1]?.({ gen: 1 });
  expect(await second).toEqual({ gen: 1 });
});

test("in a Worker, the store is asked beforehand only in waitUntil, and else when it must be", async () => {
  const first = newest.get();
  owed[0]?.({ gen: 1 });
  await first;
  atMs = 50_000;
  expect(newest.peek()).toEqual({ gen: 1 });
  expect(owed).toHaveLength(1);
  const background: Promise<unknown>[] = [];
  expect(newest.peek((work) => void background.push(work))).toEqual({ gen: 1 });
  owed[1]?.({ gen: 2 });
  await Promise.all(background);
  atMs = 100_000;
  expect(newest.peek()).toEqual({ gen: 2 });
  atMs = 120_000;
  expect(newest.peek()).toBeNull();
  const must = newest.get();
  owed[2]?.({ gen: 3 });
  expect(await must).toEqual({ gen: 3 });
});
