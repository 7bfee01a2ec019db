import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { S3UnreachableError } from "../../../src/errors.ts";
import type { Random } from "../../../src/ports.ts";
import { Backoff } from "../../../src/s3/wire/call.ts";
import { again, final, later } from "../../../src/s3/wire/failure.ts";
import { DEFAULT_LIMITS } from "../../../src/s3/wire/options.ts";
import { text } from "../../contract/fixture.ts";
import { type StrictS3, startStrictS3 } from "../../support/strict-s3/server.ts";
import { failureOf, openAt, ToldServer } from "../fixture.ts";

const DOWN = new S3UnreachableError("it is down");
const FAILED = again(DOWN);
const SLOW_DOWN = later(DOWN);

/** The same sequence for the same seed (Park and Miller's "minimal standard"). */
function seeded(seed: number): Random {
  let state = seed;
  const next = (): number => (state = (state * 48271) % 2147483647);
  return { bytes: (length) => Uint8Array.from({ length }, () => next() >> 8) };
}

const LARGEST: Random = { bytes: (length) => new Uint8Array(length).fill(255) };

function waitsOf(backoff: Backoff, failure: typeof FAILED): number[] {
  const waits: number[] = [];
  for (let waitMs = backoff.waitMsAfter(failure); waitMs !== null; waitMs = backoff.waitMsAfter(failure)) {
    waits.push(waitMs);
  }
  return waits;
}

describe("the policy", () => {
  test("a failing server is tried five times, and the bound of the waits doubles", () => {
    expect(waitsOf(new Backoff(DEFAULT_LIMITS, LARGEST), FAILED)).toEqual([100, 200, 400, 800]);
  });

  test("a server that asks for time is tried until about the deadline, with a bound of at most 3 s", () => {
    const waits = waitsOf(new Backoff(DEFAULT_LIMITS, LARGEST), SLOW_DOWN);
    expect(waits.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3000, 3000, 3000]);
    expect(waits).toHaveLength(49);
    const meanMs = waits.reduce((sum, ms) => sum + ms / 2, 0);
    expect(meanMs).toBeGreaterThan(DEFAULT_LIMITS.deadlineMs);
  });

  test("waits on request and tries after failures have separate counts", () => {
    const backoff = new Backoff({ attempts: 3, throttledAttempts: 4 }, LARGEST);
    const given = [SLOW_DOWN, FAILED, SLOW_DOWN, FAILED, SLOW_DOWN, SLOW_DOWN];
    expect(given.map((failure) => backoff.waitMsAfter(failure))).toEqual([100, 200, 400, 800, 1600, null]);
  });

  test("a failure that no retry can fix is not retried", () => {
    expect(new Backoff(DEFAULT_LIMITS, LARGEST).waitMsAfter(final(DOWN))).toBeNull();
  });

  test("a thousand machines turned away at the same moment, three times, come back spread out", () => {
    const random = seeded(1);
    const backAtMs = Array.from({ length: 1000 }, () => {
      const backoff = new Backoff(DEFAULT_LIMITS, random);
      return [1, 2, 3].reduce((sum) => sum + (backoff.waitMsAfter(SLOW_DOWN) ?? 0), 0);
    });
    const perTenMs = new Map<number, number>();
    for (const ms of backAtMs) perTenMs.set(Math.floor(ms / 10), (perTenMs.get(Math.floor(ms / 10)) ?? 0) + 1);
    expect(new Set(backAtMs).size).toBeGreaterThan(990);
    expect(Math.max(...backAtMs)).toBeLessThanOrEqual(700);
    expect(perTenMs.size).toBeGreaterThan(50);
    expect(Math.max(...perTenMs.values())).toBeLessThan(50);
  });
});

describe("a server that answers 503 SlowDown", () => {
  let server: StrictS3;
  beforeEach(async () => {
    server = await startStrictS3();
    await openAt(server).create("there", text("here"));
    server.log.length = 0;
  });
  afterEach(() => server.close());

  const slowDown = { kind: "answer", apply: false, status: 503, code: "SlowDown" } as const;

  test("twelve times and then lets it through: the call succeeds after the waits of the policy", async () => {
    server.faults.add({ method: "GET" }, slowDown, 12);
    const waits: number[] = [];
    const sleep = async (ms: number): Promise<void> => void waits.push(ms);
    const patient = openAt(server, {}, { sleep, random: LARGEST });
    expect((await patient.get("there", { maxBytes: 10 }))?.bytes).toEqual(text("here"));
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3000, 3000, 3000, 3000, 3000, 3000, 3000]);
    expect(server.log).toHaveLength(13);
  });

  test("for ever: unreachable at the deadline and not before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const told = new ToldServer();
    told.on("HEAD", { status: 503 });
    const waits: number[] = [];
    // The deadline falls into the third wait.
    const sleep = (ms: number, signal: AbortSignal): Promise<void> => {
      waits.push(ms);
      if (waits.length < 3) return Promise.resolve();
      const asleep = new Promise<void>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("awake")));
      });
      vi.advanceTimersByTime(300);
      return asleep;
    };
    const options = { exchange: told.exchange, sleep, random: LARGEST, limits: { deadlineMs: 300 } };
    const error = await failureOf(openAt(server, {}, options).head("there"));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/answered 503$/);
    expect(waits).toEqual([100, 200, 400]);
    expect(told.count()).toBe(3);
  });
});
