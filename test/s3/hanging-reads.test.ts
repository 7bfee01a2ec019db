import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import { Call, type CallBounds } from "../../src/s3/wire/call.ts";
import { DEFAULT_LIMITS } from "../../src/s3/wire/options.ts";
import { MAX_MANIFEST_BYTES } from "../../src/vault/format/limits.ts";

/** The longest possible waits. */
const LARGEST = { bytes: (length: number) => new Uint8Array(length).fill(255) };
const MANIFEST: CallBounds = { receives: MAX_MANIFEST_BYTES };
/** The default of `Vsync.open`. */
const BOOT_MS = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function callOf(bounds: CallBounds): Call {
  const inquiry = { action: "read it", bucket: "b", region: "r", host: "h", mayExpire: false, nowMs: 0 };
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
  const keys = { accessKeyId: "A", secretAccessKey: "S" };
  return new Call(
    () => inquiry,
    async () => keys,
    { clock: { nowMs: () => 0 }, random: LARGEST, sleep },
    bounds,
  );
}

/** The start of each try and the end of all, in milliseconds, if the server never answers. */
async function triesOf(bounds: CallBounds): Promise<{ begun: number[]; overMs: number }> {
  const startMs = Date.now();
  const begun: number[] = [];
  using call = callOf(bounds);
  const ended = call.retrying(() => {
    begun.push(Date.now() - startMs);
    return new Promise<never>(() => {});
  });
  const over = ended.then((attempt) => {
    expect(attempt).toMatchObject({ done: false, failure: { error: expect.any(S3UnreachableError) } });
    return Date.now() - startMs;
  });
  await vi.advanceTimersByTimeAsync(200_000);
  return { begun, overMs: await over };
}

test("an unanswered request for the manifest is tried three times within the deadline of a boot", async () => {
  const { begun } = await triesOf(MANIFEST);
  expect(begun.slice(0, 4)).toEqual([0, 8_100, 16_300, 24_700]);
  expect(begun.filter((ms) => ms + DEFAULT_LIMITS.readTimeoutMs <= BOOT_MS)).toHaveLength(3);
});

test("a command gives up on it after five tries, in 42 s", async () => {
  const { begun, overMs } = await triesOf(MANIFEST);
  expect(begun).toHaveLength(5);
  expect(overMs).toBe(41_500);
});

test("the limit on silence of a read does not depend on its size", async () => {
  expect((await triesOf({ receives: 64 * 1024 * 1024 })).begun[1]).toBe(8_100);
});

test("a body may come piece by piece, up to the time for its size at the slowest rate", async () => {
  using call = callOf(MANIFEST);
  let pieces = 0;
  const ended = call.attempt((_, signOfLife) => {
    setInterval(() => {
      pieces++;
      signOfLife();
    }, 7_000);
    return new Promise<never>(() => {});
  });
  await vi.advanceTimersByTimeAsync(75_000);
  expect(pieces).toBe(10);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await ended).toMatchObject({ done: false });
  vi.clearAllTimers();
});

test("a write gets the time for sending plus the store's own", async () => {
  expect((await triesOf({ sends: 1024 * 1024 })).begun[1]).toBe(15_000 + 16_000 + 100);
});
