import { appendFile, chmod, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { AccessDeniedError, S3UnreachableError } from "../../src/errors.ts";
import { UsageSpool } from "../../src/runtime/usage/usage-spool.ts";
import { encodeEvent, type UsageEvent } from "../../src/usage/event.ts";
import { type RecorderParts, type Spool, UsageRecorder } from "../../src/usage/recorder.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { clockAt, seededRandom } from "../support/world.ts";
import { AT_MS, batchesIn, event, USAGE_PUBLIC, writerOf } from "./fixture.ts";

const writer = writerOf(1);
const clock = clockAt(AT_MS);

let store: MemoryStore;
let warnings: string[];
let timers: (() => void)[];
beforeEach(() => {
  store = new MemoryStore();
  warnings = [];
  timers = [];
});

function recorder(parts: Partial<RecorderParts> = {}): UsageRecorder {
  return new UsageRecorder({
    store,
    writer,
    usageKey: async () => USAGE_PUBLIC,
    spool: null,
    clock,
    random: seededRandom("usage"),
    warn: (message) => warnings.push(message),
    later: (work) => timers.push(work),
    ...parts,
  });
}

const away = () => {
  store.faults = { before: () => Promise.reject(new S3UnreachableError("down")) };
};

test("an idle process writes nothing, and one timer runs for any number of events", async () => {
  const usage = recorder();
  await usage.flush();
  expect(store.requests).toEqual([]);
  for (const id of ["a", "b", "c"]) await usage.record(event(id));
  expect({ timers: timers.length, written: store.bucket.size }).toEqual({ timers: 1, written: 0 });
  timers[0]?.();
  await usage.flush();
  const [batch] = await batchesIn(store);
  expect(batch?.ids).toEqual(["a", "b", "c"]);
  expect(batch?.name).toMatchObject({ token: writer.id, day: "2026-11-29" });
});

test("batches are chained, of one day and 5000 events at most", async () => {
  const usage = recorder();
  await usage.record(event("yesterday", { at: AT_MS - 86_400_000 }));
  for (let at = 0; at < 5001; at++) await usage.record(event(`${at}`));
  await usage.flush();
  const batches = await batchesIn(store);
  expect(batches.map(({ name, ids }) => [name.day, ids.length])).toEqual([
    ["2026-11-28", 1],
    ["2026-11-29", 5000],
    ["2026-11-29", 1],
  ]);
  expect(batches.map(({ header }) => header.prev)).toEqual([undefined, batches[0]?.digest, batches[1]?.digest]);
});

/** A spool on which earlier processes left these lines. */
const spoolWith = (lines: readonly string[]): Spool => ({
  append: async () => undefined,
  takeLeft: async () => lines,
  cut: async () => ({ remove: async () => undefined }),
});
const nothingLeft = spoolWith([]);

test("a batch is written as soon as 5000 events wait", async () => {
  const usage = recorder();
  for (let at = 0; at < 5000; at++) await usage.record(event(`${at}`));
  await expect.poll(() => store.bucket.size).toBe(1);
  expect(usage.waiting).toBe(0);
});

describe("what an earlier process left", () => {
  const lines = (count: number, more: Partial<UsageEvent> = {}) =>
    Array.from({ length: count }, (_, at) => encodeEvent(event(`${at}`, more)));

  test.each([
    ["5000 events", lines(5001), [5000, 1]],
    ["8 Mi bytes", lines(1100, { context: { x: "x".repeat(8000) } }), [1037, 63]],
    ["8 Mi bytes of other alphabets", lines(720, { context: { x: "字".repeat(8000) } }), [348, 348, 24]],
  ])("is written in batches of %s at most", async (_, waiting, lengths) => {
    await recorder({ spool: spoolWith(waiting) }).flush();
    expect((await batchesIn(store)).map(({ ids }) => ids.length)).toEqual(lengths);
  });

  test("is written within a minute, without what no event has", async () => {
    const usage = recorder({ spool: spoolWith(['{"id":"half', ...lines(1)]) });
    await usage.start();
    expect({ waiting: usage.waiting, timers: timers.length }).toEqual({ waiting: 1, timers: 1 });
  });
});

test.each<[string, Partial<UsageEvent>]>([
  ["of the year 10000", { at: 253_402_300_800_000 }],
  ["from before 1970", { at: -1 }],
  ["within a millisecond", { at: AT_MS + 0.5 }],
  ["whose id has 257 characters", { id: "x".repeat(257) }],
  ["without an id", { id: "" }],
  ["with a meter in upper case", { usage: { Jobs: 1 } }],
  ["with a meter without a name", { usage: { "": 1 } }],
  ["with a meter of 65 characters", { usage: { ["x".repeat(65)]: 1 } }],
  ["of over 8192 characters", { context: { x: "x".repeat(8192) } }],
])("an event %s is not recorded", async (_, more) => {
  const usage = recorder();
  await expect(usage.record(event("a", more))).rejects.toMatchObject({ code: "not_recorded" });
  expect(usage.waiting).toBe(0);
});

test("the last event of the year 9999, of the longest id and meter, is recorded", async () => {
  const last = { at: 253_402_300_799_999, usage: { [`a_${"9".repeat(62)}`]: 0 } };
  const usage = recorder();
  await usage.record(event("x".repeat(256), last));
  await usage.flush();
  expect((await batchesIn(store)).map(({ name, ids }) => [name.day, ids[0]?.length])).toEqual([["9999-12-31", 256]]);
});

describe("a store that", () => {
  test("is down causes one warning, and is retried with the waiting events", async () => {
    away();
    const usage = recorder();
    await usage.record(event("a"));
    await expect(usage.flush()).rejects.toThrow("down");
    for (const _ of [1, 2]) {
      timers.shift()?.();
      await expect.poll(() => timers.length).toBe(1);
    }
    expect(warnings).toEqual(["1 usage events wait for memory://, tried every minute: down"]);
    store.faults = {};
    await usage.record(event("b"));
    await usage.flush();
    expect((await batchesIn(store)).map(({ ids }) => ids)).toEqual([["a"], ["b"]]);
  });

  test("is down again after it came back, or when the process ends, causes another warning", async () => {
    const usage = recorder();
    const tick = async () => {
      timers.shift()?.();
      await usage.flush().catch(() => undefined);
    };
    await usage.record(event("a"));
    away();
    await tick();
    store.faults = {};
    await expect.poll(() => timers.length).toBe(1);
    await tick();
    expect(usage.waiting).toBe(0);
    await usage.record(event("b"));
    away();
    await tick();
    const waits = "1 usage events wait for memory://, tried every minute: down";
    await expect.poll(() => warnings).toEqual([waits, waits]);
    await usage.close();
    expect(warnings).toEqual([waits, waits, waits]);
  });

  test("fails during one flush does not fail the next", async () => {
    const usage = recorder();
    await usage.record(event("a"));
    const [began, down] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    store.faults = {
      before: () => {
        store.faults = {};
        began.resolve();
        return down.promise;
      },
    };
    const first = usage.flush();
    await began.promise;
    const second = usage.flush();
    down.reject(new S3UnreachableError("down"));
    const [one, other] = await Promise.allSettled([first, second]);
    expect([one.status, other.status, usage.waiting]).toEqual(["rejected", "fulfilled", 0]);
  });

  test("loses its response gets the batch only once", async () => {
    let isLost = false;
    store.faults = {
      after: () => {
        if (isLost) return;
        isLost = true;
        throw new S3UnreachableError("lost");
      },
    };
    const usage = recorder();
    await usage.record(event("a"));
    await expect(usage.flush()).rejects.toThrow("lost");
    await usage.flush();
    expect({ waiting: usage.waiting, objects: store.bucket.size }).toEqual({ waiting: 0, objects: 1 });
  });

  test("is down for too long makes new events fail, and loses none", async () => {
    store.faults = { before: () => Promise.reject(new AccessDeniedError("no")) };
    const usage = recorder({ maxWaiting: 2 });
    await Promise.all(["a", "b"].map((id) => usage.record(event(id))));
    await expect(usage.record(event("one more"))).rejects.toMatchObject({ code: "not_recorded" });
    expect(usage.waiting).toBe(2);
  });
});

test("a token without a usage key records nothing", async () => {
  const usage = recorder({ usageKey: async () => undefined });
  await usage.record(event("a"));
  await expect(usage.flush()).rejects.toThrow("give it the capability metering");
});

describe("the spool", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync usage "));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
  });

  /**
   * @param status the system's report on the process that wrote the existing file
   */
  function spoolOf(
    status: "dead" | "alive" | "unknown",
    { maxBytes = 10_000, nowMs = AT_MS, token = writer.id } = {},
  ): UsageSpool {
    const self = async () => ({ place: "0123456789abcdef", pid: 1, start: "1" });
    const processes = { self, status: async () => status };
    const key = new Uint8Array(32).fill(3);
    const warn = (message: string) => warnings.push(message);
    return new UsageSpool({ folder, token, key, clock: clockAt(nowMs), warn, maxBytes, processes });
  }

  async function recordAndDie(...ids: string[]): Promise<void> {
    const usage = recorder({ spool: spoolOf("alive") });
    await Promise.all(ids.map((id) => usage.record(event(id))));
  }

  test("keeps events through a kill, for this user alone and not in the clear", async () => {
    await recordAndDie("a", "b", "c");
    const file = join(folder, (await readdir(folder))[0] ?? "");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // In quotes, which base64 does not have: it may have the four letters by chance.
    expect(await readFile(file, "utf8")).not.toContain('"jobs"');

    const usage = recorder({ spool: spoolOf("dead") });
    await usage.record(event("d"));
    await usage.flush();
    expect((await batchesIn(store)).map(({ ids }) => ids)).toEqual([["a", "b", "c", "d"]]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("of a running process is left alone, and of one elsewhere for a quarter of an hour", async () => {
    await recordAndDie("a");
    const writtenMs = (await stat(join(folder, (await readdir(folder))[0] ?? ""))).mtimeMs;
    expect(await spoolOf("alive").takeLeft()).toEqual([]);
    expect(await spoolOf("unknown", { nowMs: writtenMs + 14 * 60_000 }).takeLeft()).toEqual([]);
    expect(await spoolOf("unknown", { nowMs: writtenMs + 16 * 60_000 }).takeLeft()).toHaveLength(1);
  });

  test("of another token, such as a rotated one, stays where it is, with a warning", async () => {
    await recordAndDie("a");
    const left = await readdir(folder);
    const rotated = spoolOf("dead", { token: writerOf(2).id });
    expect(await rotated.takeLeft()).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(`has usage of ${writer.id} that no process sends`)]);
    expect(await readdir(folder)).toEqual(left);
  });

  test("stays until the store has its events", async () => {
    away();
    const usage = recorder({ spool: spoolOf("alive") });
    await usage.record(event("a"));
    await expect(usage.flush()).rejects.toThrow("down");
    expect(await readdir(folder)).toHaveLength(1);
    store.faults = {};
    await usage.flush();
    expect(await readdir(folder)).toEqual([]);
  });

  test("has one file at a time, even if events arrive while the disk is busy", async () => {
    const spool = spoolOf("alive");
    const busy: PromiseWithResolvers<void>[] = [];
    const append = async (lines: readonly string[]) => {
      busy.push(Promise.withResolvers());
      await busy.at(-1)?.promise;
      await spool.append(lines);
    };
    const usage = recorder({ spool: { append, takeLeft: () => spool.takeLeft(), cut: () => spool.cut() } });
    const first = usage.record(event("a"));
    await expect.poll(() => busy.length).toBe(1);
    const others = [usage.record(event("b")), usage.record(event("c"))];
    const written = usage.flush();
    busy[0]?.resolve();
    await first;
    await expect.poll(() => busy.length).toBe(2);
    expect(await readdir(folder)).toHaveLength(1);
    busy[1]?.resolve();
    await Promise.all([...others, written]);
    expect({ files: await readdir(folder), warnings }).toEqual({ files: [], warnings: [] });
    expect((await batchesIn(store)).map(({ ids }) => ids)).toEqual([["a", "b", "c"]]);
  });

  test("loses the line that a full disk has cut, and no other", async () => {
    const spool = spoolOf("alive");
    await spool.append(["one"]);
    await appendFile(join(folder, (await readdir(folder))[0] ?? ""), "\nhalf a l");
    await spool.append(["two"]);
    expect(await spoolOf("dead").takeLeft()).toEqual(["one", "two"]);
  });

  test("that is full causes one warning, and events are kept in memory", async () => {
    const usage = recorder({ spool: spoolOf("alive", { maxBytes: 100 }) });
    await usage.record(event("a"));
    await usage.record(event("b"));
    expect(warnings).toEqual([expect.stringContaining("kept only in memory, and lost if the process is killed")]);
    await usage.flush();
    expect((await batchesIn(store)).map(({ ids }) => ids)).toEqual([["a", "b"]]);
  });

  test("causes another warning if it fails again after it worked", async () => {
    let isFull = true;
    const append = () => (isFull ? Promise.reject(new Error("full")) : Promise.resolve());
    const usage = recorder({ spool: { ...nothingLeft, append } });
    for (const full of [true, true, false, true]) {
      isFull = full;
      await usage.record(event("a"));
    }
    const warning = "usage is kept only in memory, and lost if the process is killed: full";
    expect(warnings).toEqual([warning, warning]);
  });

  test.each<[string, Partial<Spool>]>([
    ["be cut", { cut: () => Promise.reject(new Error("no")) }],
    ["be removed", { cut: async () => ({ remove: () => Promise.reject(new Error("no")) }) }],
  ])("that cannot %s does not keep events from the store", async (_, fault) => {
    const usage = recorder({ spool: { ...nothingLeft, ...fault } });
    await usage.record(event("a"));
    await usage.flush();
    expect((await batchesIn(store)).map(({ ids }) => ids)).toEqual([["a"]]);
  });

  test("in a folder that others may enter is not used", async () => {
    await chmod(folder, 0o755);
    const usage = recorder({ spool: spoolOf("alive") });
    await usage.record(event("a"));
    expect(warnings.at(-1)).toContain("is not a folder that only this user can enter");
    expect(await readdir(folder)).toEqual([]);
  });
});

test("no object contains names or meters in clear text", async () => {
  // Long enough that the ciphertext does not contain one by chance.
  const words = ["customer-of-the-app", "secret_meter", "model-of-the-app"];
  const amount = 471_147_114_711;
  const usage = recorder();
  await usage.record(event(words[0] ?? "", { usage: { secret_meter: amount }, context: { model: words[2] ?? "" } }));
  await usage.flush();
  const text = [...store.bucket].map(([key, { bytes }]) => key + Buffer.from(bytes).toString("latin1")).join();
  for (const word of [...words, String(amount)]) expect(text).not.toContain(word);
  expect(text).toContain(writer.id);
});
