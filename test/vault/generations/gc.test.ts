import { beforeEach, describe, expect, test, vi } from "vitest";
import { AccessDeniedError, S3UnreachableError } from "../../../src/errors.ts";
import { auditKey, formatTs } from "../../../src/vault/format/object-keys.ts";
import { proposeGc } from "../../../src/vault/generations/gc.ts";
import { holding } from "../../support/passphrases.ts";
import { ACTOR, ENV, HOUR_MS, OLD, rejection, START_MS, World } from "../../support/world.ts";

/** Four generations, an hour apart. */
let world: World;
beforeEach(async () => {
  world = await World.pushed();
  for (const value of ["2", "3", "4"]) {
    world.clock.ms += HOUR_MS;
    await world.push({ A: value });
  }
});

const bundles = () => [...world.store.bucket.keys()].filter((key) => key.startsWith("v=")).toSorted();
const orphan = (ms: number) => world.tamper(`v=${formatTs(ms)}`, Uint8Array.of(1));

test("gc leaves a kept generation's bundle that has the name of one removed before", async () => {
  const atMs = world.clock.ms + 48 * HOUR_MS;
  const pushAt = async (ms: number, value: string) => {
    world.clock.ms = ms;
    await world.push({ A: value });
  };
  await pushAt(atMs, "ahead");
  await pushAt(atMs - 40 * HOUR_MS, "on time");
  expect((await world.gc({ keep: 1 })).plan).toContain(`v=${formatTs(atMs)}`);
  await pushAt(atMs, "now");
  const { bundle } = await world.manifest();
  expect(bundle.key).toBe(`v=${formatTs(atMs)}`);
  expect((await world.gc({ keep: 1 })).plan).not.toContain(bundle.key);
});

test("gc stops listing at planted names that no bundle can have, and goes by the rows", async () => {
  const list = world.store.list.bind(world.store);
  vi.spyOn(world.store, "list").mockImplementation(async function* (prefix, options) {
    if (prefix === "v=") for (let at = 0; at <= 100_000; at++) yield `v=!${at}`;
    if (prefix === "v=") throw new S3UnreachableError("no end");
    yield* list(prefix, options);
  });
  expect((await world.gc({ keep: 1 })).plan).toHaveLength(3);
});

describe("gc removes", () => {
  test.each([
    [1, 3],
    [2, 2],
    [3, 1],
  ])("with keep %i: %i of 4 bundles, in a generation that names them", async (keep, count) => {
    const before = bundles();
    const { plan, committed } = await world.gc({ keep });
    expect(plan).toEqual(before.slice(0, count));
    expect(committed?.manifest).toMatchObject({ gen: 5, action: "gc", meta: { event: "gc", removed: plan } });
    expect(bundles()).toEqual([...before.slice(count), committed?.manifest.bundle.key]);
    expect((await world.audit()).rows).toHaveLength(5);
    expect(await world.secrets()).toEqual({ A: "4" });
  });

  test.each([4, 5, 1000])("with keep %i: nothing", async (keep) => {
    expect(await world.gc({ keep })).toEqual({ plan: [], committed: null });
  });

  test.each([
    [2 * HOUR_MS - 1, 2],
    [2 * HOUR_MS, 1],
    [3 * HOUR_MS - 1, 1],
    [3 * HOUR_MS, 0],
  ])("older than %i ms, to the millisecond: %i", async (olderThanMs, count) => {
    expect((await world.gc({ olderThanMs })).plan).toHaveLength(count);
  });

  test("nothing if its proposal is not committed", async () => {
    const before = world.objects();
    expect(await world.gc({ confirm: () => false })).toEqual({ plan: bundles().slice(0, 3), committed: null });
    expect(world.objects()).toEqual(before);
  });

  test("a bundle of a generation whose clock ran ahead, and nothing later is held up by it", async () => {
    const YEARS = 2 * 365 * 24 * HOUR_MS;
    world.clock.ms += YEARS;
    await world.push({ A: "ahead" });
    world.clock.ms -= YEARS - HOUR_MS;
    await world.push({ A: "on time" });
    expect((await world.manifest()).bundle.key).toBe(`v=${formatTs(world.clock.ms)}`);
    expect((await world.gc({ olderThanMs: HOUR_MS })).plan).toHaveLength(3);
    const before = bundles();
    expect((await world.gc()).plan).toEqual([before[0], before[3], before[1]]);
    expect(bundles()).toHaveLength(2);
  });

  test("generations first: ten thousand planted names keep none of them", async () => {
    for (let at = 0; at < 10_001; at++) orphan(START_MS - 86_400_000 + at);
    const [first, second, third] = bundles().slice(-4);
    const { plan } = await world.gc();
    expect(plan.slice(0, 3)).toEqual([first, second, third]);
    expect(plan).toHaveLength(10_000);
  });

  test("orphans too, but none newer than the manifest: a commit may be under way", async () => {
    orphan(START_MS + 60_000);
    orphan(world.clock.ms + HOUR_MS);
    world.clock.ms += 24 * HOUR_MS;
    expect((await world.gc({ keep: 4 })).plan).toEqual(["v=20260101T000100000Z"]);
  });

  test("only bundles: not what has another kind of name", async () => {
    const strangers = ["v=", "v=x", "v=20260101T000000000Z.bak", "v=20261301T000000000Z", "other"];
    for (const key of strangers) world.tamper(key, new Uint8Array());
    await world.gc();
    for (const key of strangers) expect(world.store.bucket.has(key)).toBe(true);
  });

  test("ten thousand at once, the oldest; the next gc removes the rest", async () => {
    for (let at = 0; at < 10_001; at++) orphan(START_MS + 1000 + at);
    const first = await world.gc({ keep: 4 });
    expect(first.plan).toHaveLength(10_000);
    expect(first.committed?.auditFault).toBeNull();
    expect((await world.gc({ keep: 5 })).plan).toEqual([`v=${formatTs(START_MS + 11_000)}`]);
    expect((await world.audit()).rows).toHaveLength(6);
  });
});

test("gc says how many bundles stay, and why", async () => {
  const staysOf = async (keep: number, olderThanMs: number) => {
    using holder = holding(OLD);
    const annotation = { actor: ACTOR };
    using proposal = await proposeGc(world, { expect: { env: ENV }, holder, annotation, keep, olderThanMs });
    return proposal.plan.stays;
  };
  world.tamper(bundles()[1] ?? "", null);
  for (const ms of [START_MS - HOUR_MS, world.clock.ms + HOUR_MS]) orphan(ms);
  const nothing = { kept: 1, young: 0, ahead: 0, underWay: 1, later: 0 };
  expect(await staysOf(1, 0)).toEqual(nothing);
  expect(await staysOf(3, 0)).toEqual({ ...nothing, kept: 2 });
  expect(await staysOf(1, 2 * HOUR_MS)).toEqual({ ...nothing, young: 1 });
  world.clock.ms = START_MS + HOUR_MS;
  expect(await staysOf(1, HOUR_MS)).toEqual({ ...nothing, young: 2, ahead: 1 });
  for (let at = 0; at < 10_000; at++) orphan(START_MS - 2 * HOUR_MS + at);
  expect(await staysOf(1, 0)).toEqual({ ...nothing, later: 3 });
});

describe("gc keeps", () => {
  test("the newest generations, counted without orphans", async () => {
    for (const minute of [61, 62]) orphan(START_MS + minute * 60_000);
    expect((await world.gc({ keep: 3 })).plan).toEqual([
      "v=20260101T000000000Z",
      "v=20260101T010100000Z",
      "v=20260101T010200000Z",
    ]);
  });

  test.each([0, -1, 1.5, Number.NaN])("is at least one: %d is refused before the vault is opened", async (keep) => {
    const asked = world.requests.length;
    expect(await rejection(world.gc({ keep }))).toMatchObject({
      name: "InputError",
      message: `gc cannot keep ${keep} generations`,
      hint: "keep at least the current one: --keep=1",
    });
    expect(world.requests).toHaveLength(asked);
  });

  test("relies on verified rows: if one does not verify, nothing is removed", async () => {
    world.tamper(auditKey(3), Uint8Array.of(1));
    const before = world.objects();
    expect(await rejection(world.gc({ keep: 2 }))).toMatchObject({ name: "AuditBrokenError", row: 3 });
    expect(world.objects()).toEqual(before);
  });
});

describe("a removal that fails", () => {
  const failingAt = (removal: number, fault: Error) => {
    let removals = 0;
    return world.failing({
      before: ({ operation }) => {
        if (operation === "delete" && ++removals === removal) throw fault;
      },
    });
  };

  test.each([
    [
      new AccessDeniedError("injected: 403"),
      "--role=operator` prints what it needs), then run the same vsync gc again",
    ],
    [new S3UnreachableError("injected: reset"), "once the store answers, run the same vsync gc again"],
  ])("with %s: says what is left, and the next gc removes it", async (fault, hint) => {
    const [first, second, third] = bundles();
    expect(await rejection(failingAt(2, fault).gc())).toMatchObject({
      name: fault.name,
      message: `generation 5 is committed; 2 of 3 objects are left: ${fault.message}`,
      hint: expect.stringContaining(hint),
    });
    expect(bundles()).not.toContain(first);
    expect((await world.failing({}).gc({ keep: 2 })).plan).toEqual([second, third]);
  });

  test("says that the row is missing, too", async () => {
    const fault = new S3UnreachableError("injected: gone");
    let isOver = false;
    world.failing({
      before({ operation, key }) {
        isOver ||= operation === "create" && key === auditKey(5);
        if (isOver) throw fault;
      },
    });
    expect(await rejection(world.gc())).toMatchObject({
      message: `generation 5 is committed, its audit row is not written; 3 of 3 objects are left: ${fault.message}`,
    });
  });

  test("with a bug: passes it on", async () => {
    const failed = new TypeError("a bug");
    expect(await rejection(failingAt(1, failed).gc())).toBe(failed);
  });
});
