import { beforeAll, expect, test } from "vitest";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { ACTOR, HOUR_MS, NEW, OLD, World } from "../../support/world.ts";

/** Three generations, an hour apart. */
let world: World;
beforeAll(async () => {
  world = await World.pushed();
  world.clock.ms += HOUR_MS;
  await world.push({ A: "2" }, { note: "why" });
  world.clock.ms += HOUR_MS;
  await world.set({ B: "3" });
});

test("tells of each generation what its row says, oldest first", async () => {
  const { generations } = await world.history();
  expect(
    generations.map(({ gen, action, note, bundle, changes }) => [gen, action, note, bundle, changes?.added]),
  ).toEqual([
    [1, "push", null, "kept", ["A"]],
    [2, "push", "why", "kept", []],
    [3, "set", null, "current", ["B"]],
  ]);
  const { size } = (await world.manifest()).bundle;
  const at = "2026-01-01T02:00:00.000Z";
  const key = "v=20260101T020000000Z";
  const changes = { added: ["B"], changed: [], removed: [], unchanged: ["A"] };
  const row = { gen: 3, at, action: "set", actor: ACTOR, note: null, key, size };
  expect(generations[2]).toEqual({ ...row, bundle: "current", changes });
  expect((await world.history({ tail: 2 })).generations.map(({ gen }) => gen)).toEqual([2, 3]);
});

test("tells which bundles are gone, and of the newest generation while its row is outstanding", async () => {
  const fork = world.fork().tamper("v=20260101T000000000Z", null).tamper(auditKey(3), null);
  expect((await fork.history()).generations.map(({ gen, bundle, changes }) => [gen, bundle, changes?.added])).toEqual([
    [1, "gone", undefined],
    [2, "kept", undefined],
    [3, "current", ["B"]],
  ]);
});

test("compares the newest twelve generations at most, and none from before a rotation", async () => {
  const compared = async (by?: string) =>
    (await fork.history(by === undefined ? {} : { by })).generations.flatMap(({ gen, changes }) =>
      changes === null ? [] : [gen],
    );
  const fork = world.fork();
  for (let value = 3; value < 14; value++) await fork.set({ A: `${value}` });
  expect(await compared()).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  await fork.rotate(OLD, NEW);
  await fork.set({ A: "new" }, { by: NEW });
  expect(await compared(NEW)).toEqual([16]);
});

test("compares nothing across a bundle of more than 1 MiB", async () => {
  const fork = world.fork();
  await fork.set({ LARGE: "x".repeat(1024 * 1024) });
  await fork.set({ LARGE: "small" });
  await fork.set({ A: "3" });
  const { generations } = await fork.history();
  expect(generations.map(({ gen, changes }) => [gen, changes?.changed])).toEqual([
    [1, undefined],
    [2, undefined],
    [3, undefined],
    [4, undefined],
    [5, undefined],
    [6, ["A"]],
  ]);
});
