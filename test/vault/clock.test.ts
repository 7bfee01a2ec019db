import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import { HOUR_MS, NEW, OLD, rejection, START_MS, World } from "../support/world.ts";

const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Times and bundle keys of every generation, oldest first. */
async function historyOf(world: World, passphrase = OLD): Promise<{ at: string; key: string }[]> {
  const { manifest } = await world.open(passphrase);
  const { rows, outstanding } = await world.verify(manifest);
  expect(outstanding).toBeNull();
  return rows.map((row) => ({ at: row.at, key: row.bundle.key })).toReversed();
}

async function expectAscending(world: World, passphrase = OLD): Promise<void> {
  const keys = (await historyOf(world, passphrase)).map(({ key }) => key);
  expect(keys).toEqual([...new Set(keys)].toSorted());
}

test("a clock that jumps back an hour at each commit: keys ascend, times are as the clocks were", async () => {
  const world = await World.empty();
  for (const value of ["1", "2", "3", "4"]) {
    await world.push({ A: value });
    world.clock.ms -= HOUR_MS;
  }
  expect(await historyOf(world)).toEqual([
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000000Z" },
    { at: "2025-12-31T23:00:00.000Z", key: "v=20260101T000000001Z" },
    { at: "2025-12-31T22:00:00.000Z", key: "v=20260101T000000002Z" },
    { at: "2025-12-31T21:00:00.000Z", key: "v=20260101T000000003Z" },
  ]);
  expect(await world.secrets()).toEqual({ A: "4" });
});

test("a clock that stands still: every commit has a key of its own", async () => {
  const world = await World.pushed({ A: "1" });
  for (const value of ["2", "3", "4", "5"]) await world.push({ A: value });
  await expectAscending(world);
  expect(await historyOf(world)).toHaveLength(5);
});

test("another writer's orphans at the very milliseconds that come next", async () => {
  const world = await World.pushed({ A: "1" });
  for (const ms of ["001", "002", "004"]) {
    await world.store.create(`v=20260101T000000${ms}Z`, new TextEncoder().encode("orphan"));
  }
  await world.push({ A: "2" });
  await world.push({ A: "3" });
  expect((await historyOf(world)).map(({ key }) => key)).toEqual([
    "v=20260101T000000000Z",
    "v=20260101T000000003Z",
    "v=20260101T000000005Z",
  ]);
});

test("one machine far in the future: its time does not count for the others, whose keys go on from now", async () => {
  const world = await World.pushed({ A: "1" });
  const future = world.peer().with({ clock: { ...world.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } });
  await future.push({ A: "2" });
  await world.push({ A: "3" });
  await world.push({ A: "4" });
  expect(await historyOf(world)).toEqual([
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000000Z" },
    { at: "2126-01-01T00:00:00.000Z", key: "v=21260101T000000000Z" },
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000001Z" },
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000002Z" },
  ]);
});

describe("the end of the year 9999, after which no time can be written", () => {
  const writers: readonly [string, (world: World) => Promise<unknown>][] = [
    ["first push", (world) => World.empty().then((empty) => empty.with({ clock: world.clock }).push({ A: "2" }))],
    ["push", (world) => world.push({ A: "2" })],
    ["rotate", (world) => world.rotate(OLD, NEW)],
    ["rotate with grace", (world) => world.rotate(OLD, NEW, { graceMs: HOUR_MS })],
  ];
  test.each(writers)("%s is refused before it writes", async (_name, write) => {
    const world = await World.pushed({ A: "1" });
    for (const ms of [LAST_MS, LAST_MS + 1]) {
      const fork = world.fork();
      fork.clock.ms = ms;
      expect(await rejection(write(fork))).toBeInstanceOf(InputError);
      expect(fork.store.bucket).toEqual(world.store.bucket);
    }
  });

  test("a commit there ends no vault: a right clock writes and rotates it", async () => {
    const world = await World.empty();
    world.clock.ms = LAST_MS - 100;
    await world.push({ A: "1" });
    world.clock.ms = LAST_MS;
    expect(await rejection(world.push({ A: "2" }))).toBeInstanceOf(InputError);
    world.clock.ms = START_MS;
    await world.push({ A: "2" });
    await world.rotate(OLD, NEW);
    expect(await world.secrets(NEW)).toEqual({ A: "2" });
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN, 1e18, -1])("a window of %d ms", async (graceMs) => {
    const world = await World.pushed({ A: "1" });
    const { bucket } = world.fork().store;
    expect(await rejection(world.rotate(OLD, NEW, { graceMs }))).toBeInstanceOf(InputError);
    expect(world.store.bucket).toEqual(bucket);
  });
});

describe("a window and a clock that jumps", () => {
  test("back: the slot outlives no clock but that one, and the next commit by a right clock drops it", async () => {
    const world = await World.pushed({ A: "1" });
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    world.clock.ms += 2 * HOUR_MS;
    expect(await rejection(world.open())).toMatchObject({ name: "PassphraseRetiredError" });
    world.clock.ms -= 2 * HOUR_MS;
    await world.set({ A: "2" }, { by: NEW });
    expect(await world.secrets()).toEqual({ A: "2" });
    world.clock.ms += 2 * HOUR_MS;
    await world.set({ A: "3" }, { by: NEW });
    world.clock.ms -= 2 * HOUR_MS;
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
    await expectAscending(world, NEW);
  });

  test("far ahead at the rotation: finish ends what no clock would", async () => {
    const world = await World.pushed({ A: "1" });
    const future = world.peer().with({ clock: { ...world.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } });
    await future.rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(await world.secrets()).toEqual({ A: "1" });
    await world.finish({ by: NEW });
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
  });
});
