import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import { setItems } from "../../src/vault/set.ts";
import {
  amendRequest,
  emptyWorld,
  forkOf,
  HOUR_MS,
  NEW,
  OLD,
  open,
  peerOf,
  push,
  pushedWorld,
  rejection,
  rotate,
  START_MS,
  secretItems,
  secretsIn,
  type World,
} from "./fixture.ts";

const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Times and bundle keys of every generation, oldest first. */
async function historyOf(world: World, passphrase = OLD): Promise<{ at: string; key: string }[]> {
  const { manifest } = await open(world, passphrase);
  const { rows, outstanding } = await verifyAudit(world.store, manifest);
  expect(outstanding).toBeNull();
  return rows.map((row) => ({ at: row.at, key: row.bundle.key })).toReversed();
}

async function expectAscending(world: World, passphrase = OLD): Promise<void> {
  const keys = (await historyOf(world, passphrase)).map(({ key }) => key);
  expect(keys).toEqual([...new Set(keys)].toSorted());
}

test("a clock that jumps back an hour at each commit: keys ascend, times are as the clocks were", async () => {
  const world = await emptyWorld();
  for (const value of ["1", "2", "3", "4"]) {
    await push(world, OLD, { A: value });
    world.clock.ms -= HOUR_MS;
  }
  expect(await historyOf(world)).toEqual([
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000000Z" },
    { at: "2025-12-31T23:00:00.000Z", key: "v=20260101T000000001Z" },
    { at: "2025-12-31T22:00:00.000Z", key: "v=20260101T000000002Z" },
    { at: "2025-12-31T21:00:00.000Z", key: "v=20260101T000000003Z" },
  ]);
  expect(await secretsIn(world, OLD)).toEqual({ A: "4" });
});

test("a clock that stands still: every commit has a key of its own", async () => {
  const world = await pushedWorld({ A: "1" });
  for (const value of ["2", "3", "4", "5"]) await push(world, OLD, { A: value });
  await expectAscending(world);
  expect(await historyOf(world)).toHaveLength(5);
});

test("another writer's orphans at the very milliseconds that come next", async () => {
  const world = await pushedWorld({ A: "1" });
  for (const ms of ["001", "002", "004"]) {
    await world.store.create(`v=20260101T000000${ms}Z`, new TextEncoder().encode("orphan"));
  }
  await push(world, OLD, { A: "2" });
  await push(world, OLD, { A: "3" });
  expect((await historyOf(world)).map(({ key }) => key)).toEqual([
    "v=20260101T000000000Z",
    "v=20260101T000000003Z",
    "v=20260101T000000005Z",
  ]);
});

test("one machine far in the future, the others in the present: keys go on from there", async () => {
  const world = await pushedWorld({ A: "1" });
  const future = { ...peerOf(world), clock: { ...world.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } };
  await push(future, OLD, { A: "2" });
  await push(world, OLD, { A: "3" });
  await push(world, OLD, { A: "4" });
  expect(await historyOf(world)).toEqual([
    { at: "2026-01-01T00:00:00.000Z", key: "v=20260101T000000000Z" },
    { at: "2126-01-01T00:00:00.000Z", key: "v=21260101T000000000Z" },
    { at: "2026-01-01T00:00:00.000Z", key: "v=21260101T000000001Z" },
    { at: "2026-01-01T00:00:00.000Z", key: "v=21260101T000000002Z" },
  ]);
});

describe("the end of the year 9999, after which no time can be written", () => {
  const writers: readonly [string, (world: World) => Promise<unknown>][] = [
    ["first push", (world) => emptyWorld().then((empty) => push({ ...empty, clock: world.clock }, OLD, { A: "2" }))],
    ["push", (world) => push(world, OLD, { A: "2" })],
    ["rotate", (world) => rotate(world, OLD, NEW)],
    ["rotate with grace", (world) => rotate(world, OLD, NEW, { graceMs: HOUR_MS })],
  ];
  test.each(writers)("%s is refused before it writes", async (_name, write) => {
    const world = await pushedWorld({ A: "1" });
    for (const ms of [LAST_MS, LAST_MS + 1]) {
      const fork = forkOf(world);
      fork.clock.ms = ms;
      expect(await rejection(write(fork))).toBeInstanceOf(InputError);
      expect(fork.store.bucket).toEqual(world.store.bucket);
    }
  });

  test("a vault whose last bundle has the last key that there is stays as it is", async () => {
    const world = await emptyWorld();
    world.clock.ms = LAST_MS - 100;
    await push(world, OLD, { A: "1" });
    const { bucket } = forkOf(world).store;
    for (const ms of [LAST_MS, START_MS]) {
      world.clock.ms = ms;
      expect(await rejection(push(world, OLD, { A: "2" }))).toBeInstanceOf(InputError);
      expect(world.store.bucket).toEqual(bucket);
    }
    expect(await secretsIn(world, OLD)).toEqual({ A: "1" });
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN, 1e18, -1])("a window of %d ms", async (graceMs) => {
    const world = await pushedWorld({ A: "1" });
    const { bucket } = forkOf(world).store;
    expect(await rejection(rotate(world, OLD, NEW, { graceMs }))).toBeInstanceOf(InputError);
    expect(world.store.bucket).toEqual(bucket);
  });
});

describe("a window and a clock that jumps", () => {
  test("back: the slot outlives no clock but that one, and the next commit by a right clock drops it", async () => {
    const world = await pushedWorld({ A: "1" });
    await rotate(world, OLD, NEW, { graceMs: HOUR_MS });
    world.clock.ms += 2 * HOUR_MS;
    expect(await rejection(open(world, OLD))).toMatchObject({ name: "PassphraseRetiredError" });
    world.clock.ms -= 2 * HOUR_MS;
    await setItems(world, amendRequest(NEW), secretItems({ A: "2" }));
    expect(await secretsIn(world, OLD)).toEqual({ A: "2" });
    world.clock.ms += 2 * HOUR_MS;
    await setItems(world, amendRequest(NEW), secretItems({ A: "3" }));
    world.clock.ms -= 2 * HOUR_MS;
    expect(await rejection(open(world, OLD))).toMatchObject({ name: "WrongPassphraseError" });
    await expectAscending(world, NEW);
  });

  test("far ahead at the rotation: finish ends what no clock would", async () => {
    const world = await pushedWorld({ A: "1" });
    const future = { ...peerOf(world), clock: { ...world.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } };
    await rotate(future, OLD, NEW, { graceMs: HOUR_MS });
    expect(await secretsIn(world, OLD)).toEqual({ A: "1" });
    await finishRotation(world, amendRequest(NEW));
    expect(await rejection(open(world, OLD))).toMatchObject({ name: "WrongPassphraseError" });
  });
});
