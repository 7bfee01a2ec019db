import { beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import type { FileBase, NewerWork } from "../../../src/vault/items/file-base.ts";
import { NEW, OLD, type Secrets, World } from "../../support/world.ts";

let world: World;
let first: Manifest;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "1", C: "1" });
  first = await world.manifest();
});

const baseOf = ({ vault, gen, bundle }: Manifest): FileBase => ({
  gen,
  origin: { vault, digest: bundle.sha256, name: "api prod" },
});

/** What a push of this file, pulled at `base`, would undo. */
async function stale(file: Secrets, base: FileBase = baseOf(first), by = OLD) {
  using proposal = await world.proposePush(file, { by, base: { from: base, olderHolder: async () => null } });
  return proposal.plan.stale;
}

describe("a file that was pulled at an older generation", () => {
  test.each<[string, Secrets, Secrets, Partial<NewerWork["changes"]> | null]>([
    ["keeps an old value", { A: "2", B: "1", C: "1" }, { A: "1", B: "9", C: "1" }, { changed: ["A"] }],
    ["changes it differently", { A: "2", B: "1", C: "1" }, { A: "3", B: "1", C: "1" }, { changed: ["A"] }],
    ["changes it alike", { A: "2", B: "1", C: "1" }, { A: "2", B: "3", C: "1" }, null],
    ["lacks a new name", { A: "1", B: "1", C: "1", D: "1" }, { A: "1", B: "1", C: "1" }, { added: ["D"] }],
    ["has a name that went", { A: "1", B: "1" }, { A: "1", B: "1", C: "1" }, { removed: ["C"] }],
    ["goes without it too", { A: "1", B: "1" }, { A: "5", B: "1" }, null],
  ])("%s", async (_, theirs, file, undone) => {
    await world.push(theirs);
    const changes = { added: [], changed: [], removed: [], unchanged: [], ...undone };
    expect(await stale(file)).toEqual(
      undone && { kind: "newer", gen: 1, newest: 2, changes, lost: null, last: expect.objectContaining({ gen: 2 }) },
    );
  });

  test("counts set and restore, and no rotation, end of a window or gc", async () => {
    await world.rotate(OLD, NEW, { graceMs: 1000 });
    await world.finish({ by: NEW });
    await world.gc({ by: NEW });
    expect(await stale({ A: "2" }, undefined, NEW)).toBeNull();
    await world.set({ B: "2" }, { by: NEW });
    expect(await stale({ A: "1", B: "1", C: "1" }, undefined, NEW)).toMatchObject({ newest: 5, lost: "removed" });
  });

  test("whose generation nobody can open is compared with the vault as it is", async () => {
    await world.rotate(OLD, NEW);
    await world.push({ A: "1", B: "2", C: "1" }, { by: NEW });
    const undone = { added: [], changed: ["A", "B"], removed: ["C"], unchanged: [] };
    expect(await stale({ A: "7", B: "1" }, undefined, NEW)).toMatchObject({
      lost: "locked",
      changes: { ...undone, added: ["C"], removed: [] },
    });
  });
});

test("a base of another vault, or of a generation that this one never had, is told apart from newer work", async () => {
  const { origin, gen } = baseOf(first);
  const other = { gen, origin: origin && { ...origin, vault: "another", name: "api dev" } };
  expect(await stale({ A: "2" }, other)).toEqual({ kind: "foreign", name: "api dev" });
  const forked = { gen, origin: origin && { ...origin, digest: "0".repeat(64) } };
  for (const base of [forked, { gen: 2, origin: null }, { gen: 0, origin: null }]) {
    expect(await stale({ A: "2" }, base)).toMatchObject({ kind: "unknown", newest: 1 });
  }
  expect(await stale({ A: "2" }, { gen: 1, origin: null })).toBeNull();
});

test("without a base, and for a first push, nothing is compared", async () => {
  using proposal = await world.proposePush({ A: "2" });
  expect(proposal.plan.stale).toBeNull();
});
