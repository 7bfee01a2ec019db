import { beforeEach, expect, test } from "vitest";
import { InputError, WrongPassphraseError } from "../../../src/errors.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import { MAX_MANIFEST_BYTES } from "../../../src/vault/format/limits.ts";
import type { Changes } from "../../../src/vault/items/changes.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../../support/world.ts";

/** Generations 1 (OLD), 2 (rotation to NEW, OLD in its grace window), 3 (NEW). */
let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  await world.push({ A: "3" }, { by: NEW });
});

test("makes a new generation of the old items, for today's passphrases", async () => {
  const asked: Changes[] = [];
  const { committed } = await world.restore(1, { by: NEW, confirm: (changes) => asked.push(changes) > 0 });
  expect(asked).toEqual([{ added: ["B"], changed: ["A"], removed: [], unchanged: [] }]);
  expect(committed?.manifest).toMatchObject({ gen: 4, action: "restore", meta: { event: "restore", from_gen: 1 } });
  expect(await world.secrets(NEW)).toEqual({ A: "1", B: "1" });
  expect(await world.secrets(OLD)).toEqual({ A: "1", B: "1" });
});

test("keeps the operator's meta, except where the row has its own", async () => {
  const meta = { ticket: "OPS-1", event: "forged", from_gen: 9 };
  const { committed } = await world.restore(1, { by: NEW, note: "why", meta });
  expect(committed?.manifest).toMatchObject({ note: "why", meta: { ticket: "OPS-1", event: "restore", from_gen: 1 } });
});

test("declined or refused, it writes nothing", async () => {
  const before = world.objects();
  expect((await world.restore(1, { by: NEW, confirm: () => false })).committed).toBeNull();
  expect(await rejection(world.restore(1, { by: NEW, oldPassphrase: NEW }))).toBeInstanceOf(WrongPassphraseError);
  expect(await rejection(world.restore(9, { by: NEW }))).toBeInstanceOf(InputError);
  expect(world.objects()).toEqual(before);
});

test("every read bounds what it takes into memory", async () => {
  const bounds: [string, number][] = [];
  const get: ObjectStore["get"] = (key, options) => {
    bounds.push([key, options.maxBytes]);
    return world.store.get(key, options);
  };
  await world.with({ store: world.storeWith({ get }) }).restore(1, { by: NEW });
  expect(bounds.length).toBeGreaterThan(6);
  for (const [key, maxBytes] of bounds) {
    expect([key, maxBytes]).toEqual([key, key.startsWith("v=") ? world.bytes(key).length : MAX_MANIFEST_BYTES]);
  }
});
