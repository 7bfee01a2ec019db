import { expect, test } from "vitest";
import { ConflictError, InputError, VaultMovedError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { movedTo } from "../../src/vault/format/moved.ts";
import { type MoveRequest, planFinishOfMove, proposeMove } from "../../src/vault/move.ts";
import { openVault } from "../../src/vault/open/open.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { holding } from "../support/passphrases.ts";
import { ACTOR, ENV, OLD, rejection, World } from "../support/world.ts";

const PLACE = { repo: "api", endpoint: "https://s3.example.com", bucket: "acme", region: "local" };
const FROM = { ...PLACE, env: ENV, prefix: "api/prod/" };
const TO = { ...PLACE, env: "live", prefix: "api/live/" };

async function move(world: World, toStore: ObjectStore, options: Partial<MoveRequest> & { store?: ObjectStore } = {}) {
  using holder = holding(OLD, world.identity);
  const { store = world.store, ...given } = options;
  const known = { vault: world.identity.vault, env: ENV };
  const request = {
    holder,
    expect: known,
    annotation: { actor: ACTOR },
    from: FROM,
    to: TO,
    toStore,
    isCopy: false,
    ...given,
  };
  using proposal = await proposeMove(world.with({ store }), request);
  await proposal.commit();
  return proposal.plan;
}

async function opened(world: World, store: ObjectStore, env: string) {
  using holder = holding(OLD, world.identity);
  return await openVault({ store, clock: world.clock }, { holder, expect: { env } });
}

/** A store whose requests fail after the first `count`, as if the process were killed there. */
function dying(store: MemoryStore, count: { left: number }): ObjectStore {
  store.faults = {
    before() {
      if (count.left-- <= 0) throw new Error("killed");
    },
  };
  return store;
}

test("killed before any of its requests, a move goes on when it is run again", async () => {
  let kills = 0;
  for (let isDone = false; !isDone; kills++) {
    const world = await World.pushed({ A: "1" });
    await world.set({ B: "2" });
    const there = new MemoryStore();
    const count = { left: kills };
    isDone = await move(world, dying(there, count), { store: dying(world.store, count) }).then(
      () => true,
      (error: Error) => error.message !== "killed" && Promise.reject(error),
    );
    for (const store of [world.store, there]) store.faults = {};
    if (!isDone) await move(world, there);
    const live = await opened(world, there, "live");
    expect(live.bundle.items.map(({ name }) => name)).toEqual(["A", "B"]);
    expect(live.manifest).toMatchObject({ gen: 3, action: "move", vault: world.identity.vault });
    const { rows, outstanding } = await verifyAudit(there, live.manifest);
    expect(rows.length + Number(outstanding !== null)).toBe(3);
    const old = await opened(world, world.store, ENV);
    expect(old.bundle.items).toHaveLength(2);
    expect(movedTo(old.manifest)).toEqual(TO);
  }
  expect(kills).toBeGreaterThan(20);
});

test("writers refuse the old place, and nobody moves it elsewhere", async () => {
  const world = await World.pushed({ A: "1" });
  const there = new MemoryStore();
  await move(world, there);
  expect((await move(world, there)).done).toBe("all");
  const back = { store: there, from: TO, to: FROM, expect: { vault: world.identity.vault, env: "live" } };
  expect(await rejection(move(world, world.store, back))).toBeInstanceOf(InputError);
  expect(await rejection(world.set({ A: "2" }))).toBeInstanceOf(VaultMovedError);
  expect(await rejection(world.rotate(OLD, "another passphrase"))).toBeInstanceOf(VaultMovedError);
  expect(await rejection(move(world, new MemoryStore(), { to: { ...TO, prefix: "x/" } }))).toBeInstanceOf(
    VaultMovedError,
  );
});

test("what is at the new place stays", async () => {
  const world = await World.pushed({ A: "1" });
  const empty = await World.empty();
  const other = empty.with({ identity: { ...empty.identity, vault: "A".repeat(22) } });
  await other.push({ X: "1" });
  expect(await rejection(move(world, other.store))).toBeInstanceOf(InputError);
  for (const key of ["note.txt", "v=20260101T000000000Z", "audit/000000000001"]) {
    const there = MemoryStore.of({ [key]: Buffer.from("theirs") });
    expect(await rejection(move(world, there)), key).toBeInstanceOf(InputError);
    expect([...there.bucket.keys()]).toEqual([key]);
  }
});

test("a vault that went on at the old place is not declared moved", async () => {
  const world = await World.pushed({ A: "1" });
  const there = new MemoryStore();
  const replace: ObjectStore["replace"] = () => Promise.reject(new Error("killed"));
  await rejection(move(world, there, { store: world.storeWith({ replace }) }));
  await world.set({ B: "2" });
  expect(await rejection(move(world, there))).toBeInstanceOf(ConflictError);
});

test("a copy takes its new name, and the original goes on", async () => {
  const world = await World.pushed({ A: "1" });
  const copy = new MemoryStore({ bucket: new Map(world.store.bucket) });
  await move(world, copy, { store: copy, from: TO, isCopy: true });
  expect((await opened(world, copy, "live")).manifest).toMatchObject({ gen: 2, env: "live" });
  await world.set({ A: "2" });
  expect(await world.secrets()).toEqual({ A: "2" });
});

test("the plan tells what apps and usage lose, and which tokens read other names", async () => {
  const world = await World.pushed({ A: "1" });
  await world.createToken({ name: "api" });
  const bound = [{ projects: [`${world.identity.repo}/${ENV}`], scopes: { secrets: { read: true } } }];
  await world.createToken({ name: "bound", grants: bound });
  world.tamper("usage/notes.txt", Buffer.from("anything"));
  expect(await move(world, new MemoryStore())).toMatchObject({
    gen: 3,
    done: "nothing",
    live: ["api", "bound"],
    tokens: [expect.objectContaining({ name: "bound", gains: [], loses: ["A"] })],
    leavesUsage: true,
  });
});

test("a new name at the same place is one commit, and leaves its usage where it is", async () => {
  const world = await World.pushed({ A: "1" });
  world.tamper("usage/notes.txt", Buffer.from("anything"));
  const to = { ...FROM, env: "live" };
  expect(await move(world, world.store, { to })).toMatchObject({ done: "nothing", leavesUsage: false });
  const { manifest } = await opened(world, world.store, "live");
  expect(manifest).toMatchObject({ gen: 2, action: "move", meta: { moved_from: { env: ENV, prefix: FROM.prefix } } });
});

test("a long history moves without the bundles that gc removed; a bundle that was altered stops it", async () => {
  const world = await World.pushed({ A: "1" });
  for (let gen = 2; gen <= 18; gen += 1) await world.push({ A: String(gen) });
  await world.gc({ keep: 2, olderThanMs: 0 });
  const before = world.objects();
  const { bundle } = await world.manifest();
  world.tamper(bundle.key, Buffer.from("altered"));
  const there = new MemoryStore();
  expect(await rejection(move(world, there))).toMatchObject({ name: "BundleCorruptError" });
  world.tamper(bundle.key, before.get(bundle.key)?.bytes ?? null);
  await move(world, there);
  const { manifest } = await opened(world, there, "live");
  const { rows, outstanding } = await verifyAudit(there, manifest);
  expect([rows.length, outstanding]).toEqual([manifest.gen, null]);
});

test("finishing a move removes the bundles of the old place, once the new place opens", async () => {
  const world = await World.pushed({ A: "1" });
  const [there, { vault }] = [new MemoryStore(), world.identity];
  using holder = holding(OLD, world.identity);
  const finish = (store = there, as = vault) =>
    planFinishOfMove({ store, clock: world.clock }, { holder, expect: { vault: as, env: "live" } }, world.store);
  const notMoved = { name: "InputError", message: `no vault has moved away from ${world.store.label}` };
  expect(await rejection(finish())).toMatchObject({
    ...notMoved,
    hint: expect.stringContaining("run vsync move again"),
  });
  await move(world, there);
  const bundles = [...world.store.bucket.keys()].filter((key) => key.startsWith("v="));
  expect(bundles).toHaveLength(2);
  expect(await finish()).toEqual(bundles);
  expect(await rejection(finish(there, "A".repeat(22)))).toMatchObject(notMoved);
  expect(await rejection(finish(new MemoryStore()))).toMatchObject({ name: "ManifestNotFoundError" });
  world.store.bucket.clear();
  expect(await rejection(finish())).toMatchObject(notMoved);
});
