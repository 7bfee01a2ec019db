import { beforeEach, expect, test } from "vitest";
import { passphrasesIn } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

/** In a grace window. */
let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
});

test("ends the grace window at once and keeps signer and endorsement; a second call finds nothing", async () => {
  const before = await world.manifest(NEW);
  const { plan } = await world.finish({ by: NEW });
  expect(plan.map(({ slot }) => slot)).toEqual(["p1"]);
  const after = await world.manifest(NEW);
  expect(after).toMatchObject({ gen: 3, action: "finish", signer: before.signer, rotated_at: before.rotated_at });
  expect(after).not.toHaveProperty("prev_signer");
  expect(after.unlock).toEqual(passphrasesIn(before).slice(0, 1));
  expect(await rejection(world.open(OLD))).toMatchObject({ name: "WrongPassphraseError" });
  expect(await world.finish({ by: NEW })).toEqual({ plan: [], committed: null });
});

test("says who is dropped before it writes, and drops nobody if it is declined", async () => {
  const before = world.objects();
  const told: string[][] = [];
  const { committed } = await world.finish({
    by: NEW,
    confirm: (dropped) => told.push(dropped.map(({ slot }) => slot)) < 0,
  });
  expect([committed, told]).toEqual([null, [["p1"]]]);
  expect(world.objects()).toEqual(before);
});

test("ends a window in the far future", async () => {
  const other = await World.pushed({ A: "1" });
  const future = other.with({ clock: { ...other.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } });
  await future.rotate(OLD, NEW, { graceMs: HOUR_MS });
  expect(await other.secrets(OLD)).toEqual({ A: "1" });
  await other.finish({ by: NEW });
  expect(await rejection(other.open(OLD))).toMatchObject({ name: "WrongPassphraseError" });
});

test("ends every anchor but the current one, too", async () => {
  const other = await World.pushed({ A: "1" });
  await other.createToken();
  await other.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
  const anchors = async () => (await other.manifest("a third")).certs?.map(({ anchor }) => anchor);
  await other.rotate(NEW, "a third", { graceMs: HOUR_MS });
  const [current, ...ended] = (await anchors())?.toReversed() ?? [];
  expect(ended).toHaveLength(1);
  await other.finish({ by: "a third" });
  expect(await anchors()).toEqual([current]);
  expect(await other.finish({ by: "a third" })).toEqual({ plan: [], committed: null });
});
