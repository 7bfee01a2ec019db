import { beforeEach, describe, expect, test } from "vitest";
import { NonceCache } from "../../../src/backend/verify/replay.ts";

let atMs: number;
const clock = { nowMs: (): number => atMs };
beforeEach(() => {
  atMs = 1_000_000;
});

describe("a nonce cache", () => {
  test("accepts 6 000 requests a second for a minute, and recognises each replay", async () => {
    const cache = new NonceCache(clock);
    for (let second = 0; second < 61; second++, atMs += 1000) {
      for (let at = 0; at < 6000; at++)
        if (!(await cache.claim(`k\n${second}-${at}`, atMs + 60_000))) throw new Error("a false refusal");
    }
    for (let second = 2; second < 61; second++) {
      expect(await cache.claim(`k\n${second}-7`, 1_000_000 + second * 1000 + 60_000)).toBe(false);
    }
  });

  test("that is full refuses with 503, and forgets nothing too early", async () => {
    const cache = new NonceCache(clock, 2);
    await cache.claim("k\n1", atMs + 10_000);
    await cache.claim("k\n2", atMs + 60_000);
    await expect(cache.claim("k\n3", atMs + 60_000)).rejects.toMatchObject({ code: "nonce_cache_full", status: 503 });
    atMs += 12_000;
    expect(await cache.claim("k\n3", atMs + 60_000)).toBe(true);
    expect(await cache.claim("k\n2", atMs + 48_000)).toBe(false);
  });

  test("remembers a request to the end of its second, and takes others of that second", async () => {
    const cache = new NonceCache(clock);
    await cache.claim("k\n1", atMs + 1500);
    await cache.claim("k\n2", atMs + 1000);
    atMs += 1400;
    expect(await cache.claim("k\n1", atMs + 100)).toBe(false);
    expect(await cache.claim("k\n3", atMs + 100)).toBe(true);
    expect(cache.size).toBe(2);
    atMs += 600;
    await cache.claim("k\n4", atMs + 1000);
    expect(cache.size).toBe(1);
  });

  test("after the clock was set back, forgotten requests cannot be replayed", async () => {
    const cache = new NonceCache(clock);
    expect(await cache.claim("k\n1", atMs + 60_000)).toBe(true);
    atMs += 120_000;
    expect(await cache.claim("k\n2", atMs + 60_000)).toBe(true);
    atMs -= 120_000;
    expect(await cache.claim("k\n1", atMs + 60_000)).toBe(false);
    expect(await cache.claim("k\n3", atMs + 62_000)).toBe(true);
  });
});
