import { beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import type { FileBase, NewerWork } from "../../../src/vault/items/file-base.ts";
import { NEW, OLD, rejection, type Secrets, World } from "../../support/world.ts";

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

  test("counts set and restore, and no token, rotation, end of a window or gc; nor does it fetch a bundle for them", async () => {
    await world.createToken({ name: "app" });
    await world.rotate(OLD, NEW, { graceMs: 1000 });
    world.store.requests.length = 0;
    expect(await stale({ A: "2" }, undefined, NEW)).toBeNull();
    expect(world.requests.filter((request) => request.startsWith("get v="))).toHaveLength(1);
    await world.finish({ by: NEW });
    await world.gc({ by: NEW });
    expect(await stale({ A: "2" }, undefined, NEW)).toBeNull();
    await world.set({ B: "2" }, { by: NEW });
    expect(await stale({ A: "1", B: "1", C: "1" }, undefined, NEW)).toMatchObject({ newest: 6, lost: "removed" });
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

test("a file of a middle or the newest generation is compared with that one, even before its row is written", async () => {
  await world.push({ A: "2", B: "1", C: "1" });
  const second = await world.manifest();
  world.store.requests.length = 0;
  expect(await stale({ A: "3" }, baseOf(second))).toBeNull();
  expect(world.requests.filter((request) => request.startsWith("get audit/"))).toEqual([]);
  expect(await stale({ A: "3" }, { gen: 2, origin: baseOf(first).origin })).toMatchObject({ kind: "unknown" });
  await world.push({ A: "2", B: "2", C: "1" });
  world.tamper(auditKey(3), null);
  const undone = { kind: "newer", gen: 2, newest: 3, changes: { changed: ["B"] }, last: { gen: 3 } };
  expect(await stale({ A: "2", B: "1", C: "1" }, baseOf(second))).toMatchObject(undone);
});

test("a bundle at the base that is not what its row says is a fault of the store", async () => {
  await world.push({ A: "2" });
  world.tamper(first.bundle.key, Buffer.from("altered"));
  expect(await rejection(stale({ A: "1" }))).toMatchObject({ name: "BundleCorruptError" });
});

test("a file of a vault that was never pushed has a base that the first push does not know", async () => {
  const empty = await World.empty();
  const { vault } = empty.identity;
  const staleOf = async (base: FileBase) => {
    using proposal = await empty.proposePush({ A: "1" }, { base: { from: base, olderHolder: async () => null } });
    return proposal.plan;
  };
  const origin = { vault, digest: "0".repeat(64), name: "api prod" };
  const unknown = { kind: "unknown", gen: 2, newest: 0 };
  const changes = { added: ["A"], changed: [], removed: [], unchanged: [] };
  for (const from of [null, origin]) {
    const plan = await staleOf({ gen: 2, origin: from });
    expect(plan).toEqual({ changes, gen: 0, tokens: [], head: null, stale: unknown });
  }
  const other = { ...origin, vault: "another", name: "api dev" };
  expect((await staleOf({ gen: 2, origin: other })).stale).toEqual({ kind: "foreign", name: "api dev" });
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
  using onEmpty = await (await World.empty()).proposePush({ A: "1" });
  expect(onEmpty.plan.stale).toBeNull();
});
