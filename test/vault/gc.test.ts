import { beforeEach, describe, expect, test } from "vitest";
import { auditKey, formatTs } from "../../src/vault/format/object-keys.ts";
import { HOUR_MS, rejection, START_MS, World } from "../support/world.ts";

/** Generations 1, 2 and 3, an hour apart. */
let world: World;
beforeEach(async () => {
  world = await World.pushed();
  for (const value of ["2", "3"]) {
    world.clock.ms += HOUR_MS;
    await world.push({ A: value });
  }
});

describe("what is old enough", () => {
  test.each([
    [HOUR_MS, 1],
    [HOUR_MS - 1, 2],
    [2 * HOUR_MS, 0],
    [2 * HOUR_MS - 1, 1],
  ])("older than %i ms, to the millisecond", async (olderThanMs, count) => {
    expect((await world.gc({ olderThanMs })).plan).toHaveLength(count);
  });
});

describe("what is kept", () => {
  test("is counted in generations, whatever else lies there", async () => {
    for (const minute of [1, 2]) {
      world.store.bucket.set(`v=${formatTs(START_MS + minute * 60_000)}`, {
        bytes: Uint8Array.of(1),
        version: "orphan",
      });
    }
    const collected = await world.gc({ keep: 2 });
    expect(collected.plan).toEqual(["v=20260101T000000000Z", "v=20260101T000100000Z", "v=20260101T000200000Z"]);
  });

  test.each([0, 1.5])("%d generations: refused before the vault is opened, with the next step", async (keep) => {
    const asked = world.store.requests.length;
    expect(await rejection(world.gc({ keep }))).toMatchObject({
      name: "InputError",
      message: `gc cannot keep ${keep} generations`,
      hint: "keep at least the current one: --keep=1",
    });
    expect(world.store.requests).toHaveLength(asked);
  });

  test("is known by rows that verify: where one does not, nothing is removed", async () => {
    world.store.bucket.set(auditKey(2), { bytes: Uint8Array.of(1), version: "forged" });
    const { bucket } = world.fork().store;
    expect(await rejection(world.gc({ keep: 2 }))).toMatchObject({ name: "AuditBrokenError", row: 2 });
    expect(world.store.bucket).toEqual(bucket);
  });
});

test("ten thousand go at once, the oldest; the next gc removes the rest", async () => {
  for (let at = 0; at < 10_001; at++) {
    const key = `v=${formatTs(START_MS + 1000 + at)}`;
    world.store.bucket.set(key, { bytes: Uint8Array.of(1), version: "orphan" });
  }
  const first = await world.gc({ keep: 3 });
  expect(first.plan).toHaveLength(10_000);
  expect(first.committed?.auditFault).toBeNull();
  expect((await world.gc({ keep: 4 })).plan).toEqual([`v=${formatTs(START_MS + 11_000)}`]);
  const { manifest } = await world.open();
  expect((await world.verify(manifest)).rows).toHaveLength(5);
});

test("a removal that fails for a reason that nobody knows is handed on as it is", async () => {
  const failed = new TypeError("a fault of the program");
  world.store.faults = {
    before({ operation }) {
      if (operation === "delete") throw failed;
    },
  };
  expect(await rejection(world.gc())).toBe(failed);
  expect(world.requests.at(-1)).toBe("delete v=20260101T000000000Z");
});
