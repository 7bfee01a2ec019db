import { beforeEach, describe, expect, test, vi } from "vitest";
import { AccessDeniedError } from "../../../src/errors.ts";
import { type Floor, floorOf, isDescendant } from "../../../src/vault/audit/floor.ts";
import { auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { NEW, OLD, rejection, World } from "../../support/world.ts";

/** A machine has seen generation 3. */
let world: World;
let floor: Floor;
let second: Uint8Array;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.push({ A: "2" });
  second = world.bytes(MANIFEST_KEY);
  await world.push({ A: "3" });
  floor = floorOf(await world.manifest());
});

describe("a manifest that continues what was seen", () => {
  test("is the same generation, without a request", async () => {
    const asked = world.requests.length;
    expect(await isDescendant(world.store, await world.manifest(), floor)).toBe(true);
    expect(world.requests.slice(asked).filter((it) => it.includes("audit"))).toEqual([]);
  });

  test("is linked to it row by row, through a rotation, and while its own row is outstanding", async () => {
    await world.rotate(OLD, NEW);
    await world.push({ A: "5" }, { by: NEW });
    expect(await isDescendant(world.store, await world.manifest(NEW), floor)).toBe(true);
    world.tamper(auditKey(5), null);
    expect(await isDescendant(world.store, await world.manifest(NEW), floor)).toBe(true);
  });

  test("does not raise the floor if the key may not read the rows", async () => {
    await world.push({ A: "4" });
    const manifest = await world.manifest();
    const denied = world.fork().failing({
      before({ operation }) {
        if (operation === "list") throw new AccessDeniedError("no right to list");
      },
    });
    expect(await isDescendant(denied.store, manifest, floor)).toBe(false);
  });

  test("is refused if a row in between is missing", async () => {
    await world.push({ A: "4" });
    await world.push({ A: "5" });
    world.tamper(auditKey(4), null);
    expect(await rejection(isDescendant(world.store, await world.manifest(), floor))).toMatchObject({ row: 4 });
  });
});

describe("a manifest of another history", () => {
  const FORKED = "generation 3 is not the one seen before: the history has forked";

  /** Puts generation 2 back, without a row above it, so that somebody may commit on it in good faith. */
  async function fork(commits: number): Promise<void> {
    world.tamper(MANIFEST_KEY, second).tamper(auditKey(3), null);
    for (let at = 0; at < commits; at++) await world.push({ A: `another ${at}` });
  }

  test.each([1, 2, 3])("is refused once it is as long or longer: %i commits", async (commits) => {
    await fork(commits);
    expect(await rejection(isDescendant(world.store, await world.manifest(), floor))).toMatchObject({
      name: "RollbackError",
      message: FORKED,
    });
  });

  test("is refused if its row answers 403, as a row encrypted with somebody else's key does", async () => {
    await fork(2);
    const get = world.store.get.bind(world.store);
    vi.spyOn(world.store, "get").mockImplementation(async (key, options) => {
      if (key === auditKey(3)) throw new AccessDeniedError("injected");
      return get(key, options);
    });
    const manifest = await world.manifest();
    expect(await rejection(isDescendant(world.store, manifest, floor))).toBeInstanceOf(AccessDeniedError);
  });

  test("is refused if it is older", async () => {
    world.tamper(MANIFEST_KEY, second);
    expect(await rejection(isDescendant(world.store, await world.manifest(), floor))).toMatchObject({
      name: "RollbackError",
      message: "the store offers generation 2, but generation 3 was seen before",
    });
  });
});
