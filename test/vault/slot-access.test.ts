import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { operatorEntry, slotAccess } from "../../src/vault/unlock/passphrase-holder.ts";
import { HOUR_MS, NEW, OLD, START_MS, World } from "../support/world.ts";

const WINDOW_END = "2026-01-01T01:00:00.000Z";

/** Generation 2, inside a grace window: the new passphrase's slot first, then the old one's. */
let manifest: Manifest;
beforeAll(async () => {
  const world = await World.pushed();
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  ({ manifest } = await world.open(NEW));
});

const withUnlock = (unlock: Manifest["unlock"]): Manifest => ({ ...manifest, unlock });

describe("who can open a vault", () => {
  test.each([
    [START_MS, "read"],
    [START_MS + HOUR_MS - 1, "read"],
    [START_MS + HOUR_MS, "none"],
    [START_MS + 2 * HOUR_MS, "none"],
  ])("at %i: the old passphrase's slot gives %s", (nowMs, access) => {
    expect(slotAccess(manifest, nowMs)).toEqual([
      { slot: "p2", access: "read-write", until: null },
      { slot: "p1", access, until: WINDOW_END },
    ]);
  });

  test("slots of unknown kinds are named, as far as they have a name, and nothing more is said of them", () => {
    const unknown = [
      { kind: "scoped", slot: "ci", not_after: WINDOW_END },
      { kind: "scoped", slot: 7 },
      { slot: "no-kind" },
    ];
    expect(slotAccess(withUnlock([...unknown, ...manifest.unlock]), START_MS).slice(0, 3)).toEqual([
      { slot: "ci", access: "unknown", until: null },
      { slot: "?", access: "unknown", until: null },
      { slot: "no-kind", access: "unknown", until: null },
    ]);
  });
});

describe("the slot that configs and tokens hint at", () => {
  test("is the one that writes, wherever it stands", () => {
    expect(operatorEntry(manifest)?.slot).toBe("p2");
    expect(operatorEntry(withUnlock(manifest.unlock.toReversed()))?.slot).toBe("p2");
  });

  test("is no slot of an unknown kind", () => {
    expect(operatorEntry(withUnlock([{ kind: "scoped", slot: "ci" }, ...manifest.unlock]))?.slot).toBe("p2");
  });
});
