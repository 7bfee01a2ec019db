import { beforeEach, describe, expect, test } from "vitest";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { accessOf, liveEntries, writerEntries } from "../../../src/vault/unlock/entries.ts";
import { HOUR_MS, NEW, OLD, rejection, START_MS, World } from "../../support/world.ts";

const WINDOW_END = "2026-01-01T01:00:00.000Z";

/** In a grace window: the new passphrase's entry, then the old one's. */
let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
});

test.each([
  [START_MS, "read"],
  [START_MS + HOUR_MS - 1, "read"],
  [START_MS + HOUR_MS, "none"],
])("at %i, the old passphrase's access is: %s", async (nowMs, access) => {
  const manifest = await world.manifest(NEW);
  expect(accessOf(manifest, nowMs)).toEqual([
    { slot: "p2", access: "read-write", until: null },
    { slot: "p1", access, until: WINDOW_END },
  ]);
  expect(liveEntries(manifest.unlock, nowMs)).toHaveLength(access === "read" ? 2 : 1);
});

describe("entries of a kind that a later version made", () => {
  const unknown = [
    { kind: "scoped", slot: "ci", not_after: WINDOW_END },
    { kind: "scoped", slot: 7 },
  ].map((raw) => ({ kind: null, raw }));

  beforeEach(async () => {
    const { vault, signingKey } = await world.writable(NEW);
    world.forge({ ...vault.manifest, unlock: [...unknown, ...vault.manifest.unlock] }, signingKey);
  });

  test("are listed by name, if they have one, with unknown access", async () => {
    const manifest = await world.manifest(NEW);
    expect(accessOf(manifest, START_MS).slice(0, 2)).toEqual([
      { slot: "ci", access: "unknown", until: null },
      { slot: "?", access: "unknown", until: null },
    ]);
    expect(liveEntries(manifest.unlock, START_MS + HOUR_MS)).toHaveLength(3);
    expect(writerEntries(manifest.unlock)).toHaveLength(3);
  });

  test("do not keep anyone from reading", async () => {
    expect([await world.secrets(OLD), await world.secrets(NEW)]).toEqual([{ A: "1" }, { A: "1" }]);
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["push", (it) => it.push({ A: "2" }, { by: NEW })],
    ["set", (it) => it.set({ A: "2" }, { by: NEW })],
    ["unset", (it) => it.unset(["A"], { by: NEW })],
    ["rotate", (it) => it.rotate(NEW, "a third passphrase")],
    ["finish", (it) => it.finish({ by: NEW })],
    ["restore", (it) => it.restore(2, { by: NEW, oldPassphrase: NEW })],
    ["gc", (it) => it.gc({ by: NEW })],
  ])("make %s fail, because it would shut their holders out", async (_name, write) => {
    const before = world.objects();
    expect(await rejection(write(world))).toMatchObject({
      name: "UnsupportedSpecVersionError",
      message: String.raw`the vault has a slot of the unknown kind "\"scoped\""`,
      hint: "upgrade vsync before writing this vault: this version would shut that slot's holder out",
    });
    expect(world.objects()).toEqual(before);
  });

  test("do not keep reconcile from appending a row", async () => {
    world.tamper(auditKey(2), null);
    expect(await world.reconcile({ by: NEW })).toEqual({ gen: 2, appended: true });
  });
});
