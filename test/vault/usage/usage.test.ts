import { beforeEach, describe, expect, test } from "vitest";
import { decodeCheckedBase64 as decode } from "../../../src/crypto/base64.ts";
import { S3UnreachableError } from "../../../src/errors.ts";
import { parseCredential } from "../../../src/tokens/credential.ts";
import { type BatchWriter, batchWriterOf, sealBatch } from "../../../src/usage/batch.ts";
import type { UsageEvent } from "../../../src/usage/event.ts";
import { openOperatorObject } from "../../../src/usage/operator-object.ts";
import type { Dimension } from "../../../src/usage/totals.ts";
import { ulid } from "../../../src/usage/ulid.ts";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { readUsage, type UsageRequest } from "../../../src/vault/usage/read.ts";
import { planClose, planCompact, type UsageWriteRequest, voidEvent } from "../../../src/vault/usage/write.ts";
import { ACTOR, ENV, HOUR_MS, holderOf, OLD, rejection, START_MS, seededRandom, World } from "../../support/world.ts";

const DAY_MS = 24 * HOUR_MS;
const SETTINGS = {
  backends: [{ id: "api", default: true }, { id: "web" }],
  routes: [
    { id: "jobs.create", method: "POST", path: "/v1/jobs", meters: ["tokens"], maxPerRequest: { tokens: 100 } },
    { id: "free", method: "GET", path: "/free" },
  ],
  meters: [{ key: "tokens" }, { key: "jobs" }],
};
const ORIGIN = { name: "api", backend: "api", capabilities: ["metering"] };
const GATEWAY = { name: "gateway", permissions: ["api.gateway.sign"], capabilities: ["metering"] };

let world: World;
let usageKey: Uint8Array;
let vault: string;
const random = seededRandom("usage");
beforeEach(async () => {
  world = await World.pushed();
  await world.settings(SETTINGS);
  vault = (await world.manifest()).vault;
});

/** A token, and a writer of batches in its name. */
async function writerFor(claims: Partial<GivenClaims>): Promise<BatchWriter> {
  const { credential: secret } = (await world.createToken(claims)).plan;
  using credential = parseCredential(secret?.exposeText() ?? "");
  usageKey = decode((await world.writable()).tokens.roll.usage_keys?.at(-1)?.public ?? "");
  return batchWriterOf(vault, credential);
}

/** One process of a token, which writes one batch after another. */
class Process {
  readonly #writer: BatchWriter;
  readonly #instance = Buffer.from(random.bytes(8)).toString("hex");
  #seq = 0;
  #prev: string | null = null;

  constructor(writer: BatchWriter) {
    this.#writer = writer;
  }

  /**
   * @param storedMs the time when the store received it @param namedMs the time in its name @returns the batch's key
   */
  write(events: readonly UsageEvent[], storedMs?: number, namedMs = START_MS): string {
    const day = new Date(events[0]?.at ?? 0).toISOString().slice(0, 10);
    const place = { instance: this.#instance, seq: ++this.#seq, prev: this.#prev };
    const sealed = sealBatch(this.#writer, usageKey, { day, ulid: ulid(namedMs, random) }, place, events);
    this.#prev = sealed.digest;
    world.tamper(sealed.key, sealed.bytes);
    const stored = world.store.bucket.get(sealed.key);
    if (stored !== undefined && storedMs !== undefined) world.store.bucket.set(sealed.key, { ...stored, storedMs });
    return sealed.key;
  }
}

const event = (id: string, more: Partial<UsageEvent> = {}): UsageEvent => {
  return { id, lane: "meter", usage: { jobs: 1 }, at: START_MS, ...more };
};
const response = (id: string, token: string, more: Partial<UsageEvent> = {}): UsageEvent =>
  event(id, { lane: "response", request_id: id, usage: { tokens: 5 }, token, backend: "api", subject: "ann", ...more });

const request = (more: Partial<UsageRequest & UsageWriteRequest> = {}) => {
  return { holder: holderOf(OLD), expect: { env: ENV }, annotation: { actor: ACTOR }, ...more };
};

/** What an operator wrote. */
async function contentOf(key: string): Promise<object> {
  const keys = (await world.writable()).tokens.roll.usage_keys ?? [];
  const refuse = (fault: string) => new Error(fault);
  return (await openOperatorObject({ vault, keys }, key, world.bytes(key), refuse)).content;
}

async function read(by: readonly Dimension[] = [], more: Partial<UsageRequest> = {}) {
  const usage = await readUsage(world, request(more));
  const rows = (totals: typeof usage.totals) =>
    Object.fromEntries(
      totals.by(by).map((cell) => [[cell.meter, ...by.map((name) => cell[name])].join(" "), Number(cell.amount)]),
    );
  const { refused, doubts } = usage;
  return {
    ...usage,
    sums: rows(usage.totals),
    lateSums: rows(usage.late),
    reasons: refused.map(({ reason, events }) => (events === null ? reason : `${events}: ${reason}`)),
    doubts: doubts.map(({ kind, text }) => `${kind}: ${text}`),
  };
}

test("usage adds up by meter and any dimension; sums exceed what a number holds", async () => {
  const api = await writerFor(ORIGIN);
  const web = await writerFor({ ...ORIGIN, name: "web", backend: "web" });
  new Process(api).write([event("a"), event("b", { usage: { tokens: 3 }, route_id: "jobs.create" })]);
  new Process(web).write([event("a"), event("c", { usage: { jobs: Number.MAX_SAFE_INTEGER } })]);
  new Process(web).write([event("d", { at: START_MS + DAY_MS, usage: { jobs: Number.MAX_SAFE_INTEGER } })]);
  expect(await read(["backend"])).toMatchObject({ sums: { "jobs api": 1, "tokens api": 3 }, reasons: [], doubts: [] });
  const [jobs] = (await readUsage(world, request())).totals.by([]);
  expect(jobs?.amount).toBe(2n * BigInt(Number.MAX_SAFE_INTEGER) + 2n);
  expect((await read(["day"], { since: "2026-01-02" })).sums).toEqual({ "jobs 2026-01-02": Number.MAX_SAFE_INTEGER });
  expect((await read(["route", "token"], { until: "2026-01-01" })).sums).toMatchObject({
    [`tokens jobs.create ${api.id}`]: 3,
  });
});

describe("an id", () => {
  test("counts once a token and day, in one batch or several", async () => {
    const api = await writerFor(ORIGIN);
    const process = new Process(api);
    process.write([event("a"), event("a", { at: START_MS + 1 })]);
    process.write([event("a")]);
    new Process(api).write([event("a"), event("a", { usage: { jobs: 1 }, at: START_MS + 2 })]);
    expect(await read()).toMatchObject({ sums: { jobs: 1 }, duplicates: 4, doubts: [] });
    new Process(api).write([event("a", { at: START_MS + DAY_MS })]);
    expect(await read()).toMatchObject({ sums: { jobs: 2 } });
  });

  test("with other content is reported, and the first counts", async () => {
    new Process(await writerFor(ORIGIN)).write([event("a"), event("a", { usage: { jobs: 100 } })]);
    expect(await read()).toMatchObject({
      sums: { jobs: 1 },
      doubts: ['conflict: the id "a" came again on 2026-01-01 with other content, which was not counted'],
    });
  });

  test("that an operator voids does not count", async () => {
    const [one, other] = [await writerFor(ORIGIN), await writerFor({ ...ORIGIN, name: "other" })];
    for (const writer of [one, other]) new Process(writer).write([event("a"), event("b")]);
    const noted = request({ annotation: { actor: ACTOR, note: "sent twice" } });
    expect(await voidEvent(world, noted, { id: "a", token: one.id })).toMatchObject({ wasVoid: false });
    const [key = ""] = [...world.store.bucket.keys()].filter((it) => it.startsWith("usage/voids/"));
    expect(await contentOf(key)).toEqual({ id: "a", token: one.id, note: "sent twice" });
    expect(await read()).toMatchObject({ sums: { jobs: 3 }, voided: 1, reasons: [] });
    await voidEvent(world, request(), { id: "a" });
    expect(await read()).toMatchObject({ sums: { jobs: 2 }, voided: 2 });
    const count = world.store.bucket.size;
    for (const token of [one.id, undefined]) {
      expect(await voidEvent(world, request(), { id: "a", token })).toMatchObject({ wasVoid: true });
    }
    expect(world.store.bucket.size).toBe(count);
    new Process(one).write([event("c")]);
    await expect(voidEvent(world, request(), { id: "c", token: other.id })).rejects.toThrow('no event has the id "c"');
    world.failing({
      before: ({ operation }) => (operation === "create" ? Promise.reject(new Error("down")) : undefined),
    });
    await expect(voidEvent(world, request(), { id: "c", token: one.id })).rejects.toThrow(/^down$/);
  });
});

describe("a batch that was", () => {
  let process: Process;
  let keys: string[];
  beforeEach(async () => {
    process = new Process(await writerFor(ORIGIN));
    keys = ["a", "b", "c", "d"].map((id) => process.write([event(id)]));
  });
  const [of, is] = [/ of process [0-9a-f]{16} of tok_[0-9a-f]{32} /, "is missing"];
  const bare = (texts: readonly string[]) => texts.map((text) => text.replace(of, " "));

  test("deleted is reported, the first and those between", async () => {
    for (const key of [keys[0], keys[2]]) world.tamper(key ?? "", null);
    const { sums, doubts } = await read();
    expect({ sums, doubts: bare(doubts) }).toEqual({
      sums: { jobs: 2 },
      doubts: [`gap: batch 1 ${is}`, `gap: batch 3 ${is}`],
    });
  });

  test("copied to another name is refused", async () => {
    const [key = ""] = keys;
    world.tamper(`${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`, world.bytes(key));
    const { reasons, sums } = await read();
    expect(reasons).toEqual(["is not signed by its token, or was written under another name"]);
    expect(sums).toEqual({ jobs: 4 });
  });

  test("altered, or is not a batch, is refused", async () => {
    const bytes = world.bytes(keys[0] ?? "").slice();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    world.tamper(keys[0] ?? "", bytes).tamper("usage/notes.txt", Buffer.from("hello"));
    const { reasons, sums } = await read();
    expect({ reasons, sums }).toEqual({
      reasons: ["does not have the name of a batch", "was altered"],
      sums: { jobs: 3 },
    });
  });

  test("backdated counts for the day on which the store took it", async () => {
    process.write([event("late")], START_MS + 3 * DAY_MS + 1);
    process.write([event("in time")], START_MS + 3 * DAY_MS - 1);
    const { sums, doubts } = await read(["day"]);
    expect(sums).toEqual({ "jobs 2026-01-01": 5, "jobs 2026-01-04": 1 });
    expect(doubts).toEqual([expect.stringMatching(/^moved: usage\/tok_.* reached the store on 2026-01-04/)]);
  });

  test("written over an hour after its token ended is refused", async () => {
    await world.revokeTokens(["api"]);
    process.write([event("in time")], START_MS + HOUR_MS);
    process.write([event("too late")], START_MS + HOUR_MS + 1);
    expect(await read()).toMatchObject({
      sums: { jobs: 5 },
      reasons: ["was written over an hour after its token ended"],
    });
  });
});

test("two batches with one number in a chain are reported", async () => {
  const writer = await writerFor(ORIGIN);
  const place = { instance: "0123456789abcdef", seq: 1, prev: null };
  for (const id of ["a", "b"]) {
    const sealed = sealBatch(writer, usageKey, { day: "2026-01-01", ulid: ulid(START_MS, random) }, place, [event(id)]);
    world.tamper(sealed.key, sealed.bytes);
  }
  expect((await read()).doubts).toEqual([`rewrite: batch 1 of process 0123456789abcdef of ${writer.id} was rewritten`]);
});

describe("refused is", () => {
  test("a token that the vault never had, and one without metering", async () => {
    const elsewhere = await World.pushed();
    const there = world;
    world = elsewhere;
    const stranger = await writerFor(ORIGIN);
    world = there;
    await writerFor(ORIGIN);
    new Process({ ...stranger, vault }).write([event("a")]);
    new Process(await writerFor({ name: "mute", capabilities: ["gateway_verification"] })).write([event("a")]);
    const { reasons, sums } = await read();
    expect(sums).toEqual({});
    expect(reasons.toSorted()).toEqual([
      "is by a token that this vault never had",
      "is by a token without the capability metering",
    ]);
  });

  test("a meter that the settings or the token do not have", async () => {
    new Process(await writerFor({ ...ORIGIN, meters: ["tokens"] })).write([
      event("a"),
      event("b", { usage: { tokens: 1 } }),
    ]);
    new Process(await writerFor({ ...ORIGIN, name: "any" })).write([event("a", { usage: { cpu: 1 } }), event("b")]);
    expect(await read()).toMatchObject({
      sums: { jobs: 1, tokens: 1 },
      reasons: expect.arrayContaining([
        "1: has the meter jobs, which its token may not report",
        "1: has the meter cpu, which its token may not report",
      ]),
    });
  });

  test("what an app says of responses as a gateway does", async () => {
    const api = await writerFor(ORIGIN);
    new Process(api).write([response("r", api.id)]);
    const { sums, reasons } = await read();
    expect(sums).toEqual({});
    expect(reasons).toEqual(["1: says what responses used, but its token is not a gateway's"]);
  });
});

describe("the usage of a response", () => {
  test("counts for the app whose response it was, and for the user for whom the gateway signed", async () => {
    const [api, gateway] = [await writerFor(ORIGIN), await writerFor(GATEWAY)];
    new Process(gateway).write([response("r-1", api.id), response("r-2", api.id, { subject: "bob" })]);
    expect((await read(["subject", "token"])).sums).toEqual({
      [`tokens ann ${api.id}`]: 5,
      [`tokens bob ${api.id}`]: 5,
    });
  });

  test("that came later has the subject of its announcement, and settles it once", async () => {
    const [api, gateway] = [await writerFor(ORIGIN), await writerFor(GATEWAY)];
    const later = event("r-1", { lane: "deferred", request_id: "r-1", usage: { tokens: 7 } });
    new Process(gateway).write([
      response("r-1", api.id, { usage: {}, pending: true }),
      response("r-2", api.id, { usage: {}, pending: true }),
      response("r-3", api.id),
    ]);
    const app = new Process(api);
    app.write([later]);
    app.write([later, event("r-3", { lane: "deferred", request_id: "r-3", usage: { tokens: 100 } })]);
    expect(await read(["subject"])).toMatchObject({
      sums: { "tokens ann": 12 },
      reasons: ["1: is of a request that the gateway has settled"],
      doubts: ["unsettled: the response of request r-2 announced usage that never came"],
    });
  });
});

test("what a stream settles is bound by the route that its gateway announced, or by the one that it names", async () => {
  const [api, gateway] = [await writerFor(ORIGIN), await writerFor(GATEWAY)];
  const pending = (id: string, route_id: string) => response(id, api.id, { usage: {}, pending: true, route_id });
  const settles = (id: string, usage: UsageEvent["usage"], route_id?: string) =>
    event(id, { lane: "deferred", request_id: id, usage, ...(route_id === undefined ? {} : { route_id }) });
  new Process(gateway).write([pending("r-1", "jobs.create"), pending("r-2", "jobs.create"), pending("r-3", "free")]);
  new Process(api).write([
    settles("r-1", { tokens: 100 }, "gone"),
    settles("r-2", { tokens: 101 }, "gone"),
    settles("r-3", { tokens: 1 }, "jobs.create"),
    settles("r-4", { jobs: 1 }, "jobs.create"),
    settles("r-5", { jobs: 1 }, "gone"),
  ]);
  expect(await read()).toMatchObject({
    sums: { jobs: 1, tokens: 100 },
    reasons: [
      "1: has more tokens than one request may use",
      "1: has the meter tokens, which its route lacks",
      "1: has the meter jobs, which its route lacks",
    ],
    doubts: [],
  });
});

test("what was sealed before a leak of the passphrase is read after it", async () => {
  const api = await writerFor(ORIGIN);
  new Process(api).write([event("a")]);
  await world.rotate(OLD, "the passphrase after the leak", { leaked: { tokens: "keep" } });
  const usage = await readUsage(world, { ...request(), holder: holderOf("the passphrase after the leak") });
  expect(usage.totals.by([])).toMatchObject([{ amount: 1n }]);
});

describe("a month", () => {
  test("that is closed stays as it was; what comes later is late", async () => {
    const process = new Process(await writerFor(ORIGIN));
    const key = process.write([event("a")]);
    world.clock.ms = START_MS + 40 * DAY_MS;
    const closing = await planClose(world, request(), "2026-01");
    await closing.write();
    expect(await contentOf("usage/months/2026-01")).toMatchObject({ batches: [key] });
    process.write([event("b"), event("a")]);
    process.write([event("c", { at: START_MS + 32 * DAY_MS })]);
    expect(await read(["day"])).toMatchObject({
      sums: { "jobs 2026-01-01": 1, "jobs 2026-02-02": 1 },
      lateSums: { "jobs 2026-01-01": 1 },
      closed: [{ month: "2026-01", written: { by: "ann@build-7" } }],
      reasons: [],
    });
    await expect(planClose(world, request(), "2026-01")).rejects.toThrow("2026-01 is closed: ann@build-7 closed it on");
    await expect(closing.write()).rejects.toThrow("somebody else wrote usage/months/2026-01 first");
  });

  test("contains what the store received in it, whatever day the batch was named for", async () => {
    const process = new Process(await writerFor(ORIGIN));
    const key = process.write([event("a")], START_MS + 40 * DAY_MS);
    world.clock.ms = START_MS + 70 * DAY_MS;
    await (await planClose(world, request(), "2026-01")).write();
    const { totals, write } = await planClose(world, request(), "2026-02");
    expect(totals.by([]).map(({ amount }) => amount)).toEqual([1n]);
    await write();
    const stored = world.store.bucket.get(key);
    if (stored !== undefined) world.store.bucket.set(key, { ...stored, storedMs: START_MS + 65 * DAY_MS });
    expect(await planClose(world, request(), "2026-02").catch(() => null)).toBeNull();
    world.clock.ms = START_MS + 100 * DAY_MS;
    expect((await planClose(world, request(), "2026-03")).totals.by([])).toEqual([]);
  });

  test("contains an id that came in time, even if it came again a week later in a batch whose name sorts first", async () => {
    const at = START_MS + 30 * DAY_MS;
    const writer = await writerFor(ORIGIN);
    new Process(writer).write([event("a", { at })], at, at + 1);
    new Process(writer).write([event("a", { at })], at + 7 * DAY_MS, at);
    world.clock.ms = START_MS + 70 * DAY_MS;
    for (const [month, amounts] of [
      ["2026-01", [1n]],
      ["2026-02", []],
    ] as const) {
      const { totals, write } = await planClose(world, request(), month);
      expect(totals.by([]).map(({ amount }) => amount)).toEqual(amounts);
      await write();
      expect(await read()).toMatchObject({ sums: { jobs: 1 }, duplicates: 1 });
    }
  });

  test("contains what an app settled in it, also if the app settled it again in a month that was closed first", async () => {
    const app = new Process(await writerFor(ORIGIN));
    const settled = event("r-1", { lane: "deferred", request_id: "r-1", usage: { tokens: 7 } });
    for (const at of [START_MS + 30 * DAY_MS, START_MS + 31 * DAY_MS]) app.write([{ ...settled, at }], at);
    world.clock.ms = START_MS + 70 * DAY_MS;
    for (const month of ["2026-02", "2026-01"]) await (await planClose(world, request(), month)).write();
    expect(await read(["day"])).toMatchObject({ sums: { "tokens 2026-01-31": 7 }, lateSums: {}, duplicates: 1 });
  });

  test("is closed once it is over", async () => {
    await writerFor(ORIGIN);
    await expect(planClose(world, request(), "2026-01")).rejects.toThrow("2026-01 is not over");
    for (const month of ["2026", "+002026-01", "2026-011"]) {
      await expect(planClose(world, request(), month)).rejects.toMatchObject({
        message: `"${month}" is not a month`,
        hint: "give one such as 2026-11",
      });
    }
  });

  test("that somebody else wrote is refused", async () => {
    await writerFor(ORIGIN);
    world.clock.ms = START_MS + 40 * DAY_MS;
    const { month, write } = await planClose(world, request(), "2026-01");
    await write();
    world.tamper("usage/months/2025-12", world.bytes(`usage/months/${month}`));
    await expect(read()).rejects.toMatchObject({
      code: "BUNDLE_CORRUPT",
      message: expect.stringMatching(/^usage\/months\/2025-12 is not signed by an operator, or was written under/),
      hint: expect.stringContaining("or remove it"),
    });
  });
});

test("a day that is compacted counts the same, from one object, even if compacting was cut short", async () => {
  const process = new Process(await writerFor(ORIGIN));
  process.write([event("a"), event("b")]);
  const moved = process.write([event("c")], START_MS + 5 * DAY_MS, START_MS + 1);
  process.write([event("d", { at: START_MS + DAY_MS })]);
  const before = await read(["day"]);
  world.clock.ms = START_MS + 4 * DAY_MS - 1;
  await expect(planCompact(world, request(), "2026-01-01")).rejects.toThrow("less than three days ago");
  world.clock.ms += 1;
  const compacting = await planCompact(world, request(), "2026-01-01");
  world.failing({
    before({ operation, key }) {
      if (operation === "delete" && key === moved) throw new S3UnreachableError("injected: reset");
    },
  });
  expect(await rejection(compacting.write())).toMatchObject({
    message: "usage/days/2026-01-01 is written; 1 of 2 batches are left: injected: reset",
    hint: "once the store answers, run the same vsync usage compact again: it removes the rest",
  });
  const after = await read(["day"]);
  expect(after).toMatchObject({ sums: before.sums, batches: before.batches, duplicates: 0 });
  expect([after.doubts, after.reasons]).toEqual([before.doubts, []]);
  const later = process.write([event("a"), event("e")]);
  await (await planCompact(world.failing({}), request(), "2026-01-01")).write();
  expect([moved, later].map((key) => world.store.bucket.has(key))).toEqual([false, true]);
  expect([...world.store.bucket.keys()].filter((key) => key.startsWith("usage/"))).toHaveLength(3);
  expect((await read()).sums).toEqual({ jobs: 5 });
  await expect(planCompact(world, request(), "2026-01-01")).rejects.toMatchObject({
    message: "2026-01-01 is already compacted",
    hint: expect.stringContaining("stays in its own batches"),
  });
});

test("gc removes usage from before the days that the settings keep, and leaves the totals of closed months", async () => {
  const process = new Process(await writerFor(ORIGIN));
  process.write([event("a")]);
  process.write([event("b", { at: START_MS + 39 * DAY_MS })]);
  world.clock.ms = START_MS + 40 * DAY_MS;
  await (await planClose(world, request(), "2026-01")).write();
  const usageKeys = () => [...world.store.bucket.keys()].filter((key) => key.startsWith("usage/")).length;
  await world.gc();
  expect(usageKeys()).toBe(3);
  await world.settings({ ...SETTINGS, usage_retention_days: 30 });
  await world.gc();
  expect(usageKeys()).toBe(2);
  expect(await read(["day"])).toMatchObject({ sums: { "jobs 2026-01-01": 1, "jobs 2026-02-09": 1 }, doubts: [] });
});

test("gc removes compacted days that are older than the settings keep, at most ten thousand keys, and nothing else", async () => {
  await writerFor(ORIGIN);
  await world.settings({ ...SETTINGS, usage_retention_days: 30 });
  world.clock.ms = START_MS + 40 * DAY_MS;
  const removed = async () => {
    const before = [...world.store.bucket.keys()];
    await world.gc({ keep: 1000 });
    return before.filter((key) => !world.store.bucket.has(key));
  };
  const others = [
    "days/2026-01-11",
    "days/2025-12-1",
    "days/2025-12-31x",
    "days/2025-12-3x",
    "months/2025-12",
    "voids/2025-12-31",
  ];
  for (const key of ["days/2026-01-10", ...others]) world.tamper(`usage/${key}`, Uint8Array.of(1));
  world.tamper("old/usage/days/2025-12-31", Uint8Array.of(1));
  expect(await removed()).toEqual(["usage/days/2026-01-10"]);
  const token = `tok_${"0".repeat(32)}`;
  for (let at = 0; at <= 10_000; at++) world.tamper(`usage/${token}/2026-01-01/${at}`, Uint8Array.of(1));
  expect(await removed()).toHaveLength(10_000);
  expect(await removed()).toHaveLength(1);
});

test("what an app settles again after midnight counts once", async () => {
  const app = new Process(await writerFor(ORIGIN));
  const settled = event("r-1", { lane: "deferred", request_id: "r-1", usage: { tokens: 7 } });
  app.write([settled]);
  app.write([{ ...settled, at: START_MS + DAY_MS }]);
  expect(await read()).toMatchObject({ sums: { tokens: 7 }, events: 1, duplicates: 1 });
});

test("usage that comes again after its month was closed is not late, even if its batch's name sorts earlier", async () => {
  const api = await writerFor(ORIGIN);
  const settled = event("r-1", { lane: "deferred", request_id: "r-1", usage: { tokens: 7 } });
  new Process(api).write([event("a"), settled], START_MS, START_MS + 1);
  world.clock.ms = START_MS + 40 * DAY_MS;
  await (await planClose(world, request(), "2026-01")).write();
  new Process(api).write([event("a"), settled], START_MS);
  const { sums, lateSums, duplicates } = await read();
  expect({ sums, lateSums, duplicates }).toEqual({ sums: { jobs: 1, tokens: 7 }, lateSums: {}, duplicates: 2 });
});

test("nor is it late if its day was compacted while the month was being closed", async () => {
  const api = await writerFor(ORIGIN);
  new Process(api).write([event("a")], START_MS, START_MS + 1);
  world.clock.ms = START_MS + 40 * DAY_MS;
  const closing = await planClose(world, request(), "2026-01");
  new Process(api).write([event("a")], START_MS);
  await (await planCompact(world, request(), "2026-01-01")).write();
  await closing.write();
  const { sums, lateSums, duplicates } = await read();
  expect({ sums, lateSums, duplicates }).toEqual({ sums: { jobs: 1 }, lateSums: {}, duplicates: 1 });
});

test("a range of days needs only its months, and the batches of a week before and after it", async () => {
  const process = new Process(await writerFor(ORIGIN));
  const days = [22, 23, 30, 37, 38];
  for (const day of days) process.write([event("a", { at: START_MS + day * DAY_MS })]);
  world.clock.ms = START_MS + 100 * DAY_MS;
  for (const month of ["2026-01", "2026-02"]) await (await planClose(world, request(), month)).write();
  const range = { since: "2026-01-31", until: "2026-01-31" };
  const readOf = async (more: Partial<UsageRequest>) => {
    world.store.requests.length = 0;
    const { closed, sums, doubts } = await read([], { ...range, ...more });
    const got = world.store.requests.filter(({ operation }) => operation === "get").map(({ key }) => key);
    const dayIn = (key: string) => /^usage\/tok_.*\/(20..-..-..)\//.exec(key)?.[1] ?? [];
    return {
      months: got.filter((key) => key.startsWith("usage/months/")).map((key) => key.slice(-7)),
      days: got.flatMap(dayIn),
      closed: closed.map(({ month }) => month),
      sums,
      doubts,
    };
  };
  const [sums, closed] = [{ jobs: 1 }, ["2026-01"]];
  const near = ["2026-01-24", "2026-01-31", "2026-02-07"];
  expect(await readOf({})).toEqual({ months: ["2026-01"], days: near, closed, sums, doubts: [] });
  const all = ["2026-01-23", ...near, "2026-02-08"];
  expect(await readOf({ isThorough: true })).toMatchObject({ months: ["2026-01", "2026-02"], days: all, closed, sums });
});

test("more batches than are read at once are each read once", async () => {
  const api = await writerFor(ORIGIN);
  for (let count = 0; count < 17; count += 1) new Process(api).write([event(String(count))]);
  expect(await read()).toMatchObject({ batches: 17, sums: { jobs: 17 }, duplicates: 0, doubts: [] });
});

test("what gc removes meanwhile is skipped, but a fault of the store ends the reading", async () => {
  const api = await writerFor(ORIGIN);
  new Process(api).write([event("a")]);
  world.clock.ms = START_MS + 40 * DAY_MS;
  await voidEvent(world, request(), { id: "a" });
  await (await planCompact(world, request(), "2026-01-01")).write();
  await (await planClose(world, request(), "2026-01")).write();
  for (const id of ["b", "c"]) new Process(api).write([event(id, { at: START_MS + 40 * DAY_MS })]);
  expect(await read()).toMatchObject({ sums: { jobs: 2 }, voided: 1 });
  const others = new Map(world.store.bucket);
  world.failing({
    before({ operation, key }) {
      if (operation === "get" && key.startsWith("usage/")) world.store.bucket.delete(key);
    },
  });
  const { sums, closed, voided, reasons } = await read();
  expect({ sums, closed, voided, reasons }).toEqual({ sums: {}, closed: [], voided: 0, reasons: [] });
  for (const [key, stored] of others) world.store.bucket.set(key, stored);
  world.failing({
    before({ operation, key }) {
      if (operation === "get" && key.startsWith("usage/tok_")) throw new Error("the store is down");
    },
  });
  await expect(read()).rejects.toThrow("the store is down");
});

test("a vault without settings and tokens has no usage, and no day to compact", async () => {
  world = await World.pushed();
  expect(await read()).toMatchObject({ batches: 0, events: 0, reasons: [], doubts: [] });
  world.clock.ms = START_MS + 40 * DAY_MS;
  await expect(planCompact(world, request(), "2026-01-01")).rejects.toThrow("could ever report usage");
});

test("a batch of a closed month restored from a backup does not count again for its new day", async () => {
  const key = new Process(await writerFor(ORIGIN)).write([event("a")], START_MS);
  world.clock.ms = START_MS + 40 * DAY_MS;
  await (await planClose(world, request(), "2026-01")).write();
  const stored = world.store.bucket.get(key);
  if (stored !== undefined) world.store.bucket.set(key, { ...stored, storedMs: START_MS + 45 * DAY_MS });
  expect((await read(["day"])).sums).toEqual({ "jobs 2026-01-01": 1 });
});
