import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { accessOf } from "../../src/vault/unlock/entries.ts";
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
    expect(accessOf(manifest, nowMs)).toEqual([
      { slot: "p2", access: "read-write", until: null },
      { slot: "p1", access, until: WINDOW_END },
    ]);
  });

  test("slots of unknown kinds are named, as far as they have a name, and nothing more is said of them", () => {
    const unknown = [
      { kind: "scoped", slot: "ci", not_after: WINDOW_END },
      { kind: "scoped", slot: 7 },
    ].map((raw) => ({ kind: null, raw }));
    expect(accessOf(withUnlock([...unknown, ...manifest.unlock]), START_MS).slice(0, 2)).toEqual([
      { slot: "ci", access: "unknown", until: null },
      { slot: "?", access: "unknown", until: null },
    ]);
  });
});
