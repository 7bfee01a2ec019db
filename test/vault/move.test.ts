import { expect, test } from "vitest";
import { AccessDeniedError, ConflictError, InputError, S3UnreachableError, VaultMovedError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { probeStore } from "../../src/s3/probe.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { movedTo } from "../../src/vault/format/moved.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
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
  return { ...proposal.plan, committed: await proposal.commit() };
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
    expect(await verifyAudit(world.store, old.manifest)).toMatchObject({ outstanding: null });
  }
  expect(kills).toBeGreaterThan(20);
});

test("writers refuse the old place, and nobody moves it elsewhere", async () => {
  const world = await World.pushed({ A: "1" });
  const there = new MemoryStore();
  await move(world, there);
  const moved = world.objects();
  expect(await move(world, there)).toMatchObject({ done: "all", gen: 2 });
  expect(world.objects()).toEqual(moved);
  const back = { store: there, from: TO, to: FROM, expect: { vault: world.identity.vault, env: "live" } };
  expect(await rejection(move(world, world.store, back))).toMatchObject({
    name: "InputError",
    hint: expect.stringContaining("finish the last move"),
  });
  await move(world, new MemoryStore(), { ...back, to: { ...TO, env: "third", prefix: "third/" } });
  expect((await move(world, there)).done).toBe("all");
  expect(await rejection(world.set({ A: "2" }))).toBeInstanceOf(VaultMovedError);
  expect(await rejection(world.rotate(OLD, "another passphrase"))).toBeInstanceOf(VaultMovedError);
  const elsewhere = { ...TO, prefix: "x/" };
  const renamed = { ...TO, env: "other" };
  for (const [store, to] of [
    [new MemoryStore(), elsewhere],
    [there, renamed],
    [new MemoryStore(), TO],
  ] as const)
    expect(await rejection(move(world, store, { to }))).toBeInstanceOf(VaultMovedError);
});

test("what is at the new place stays", async () => {
  const world = await World.pushed({ A: "1" });
  const empty = await World.empty();
  const other = empty.with({ identity: { ...empty.identity, vault: "A".repeat(22) } });
  await other.push({ X: "1" });
  expect(await rejection(move(world, other.store))).toMatchObject({
    message: expect.stringMatching(/ holds another vault$/),
    hint: "choose another --prefix",
  });
  const copied = new MemoryStore({ bucket: new Map(world.store.bucket) });
  expect(await rejection(move(world, copied))).toMatchObject({
    message: expect.stringMatching(/ holds the env prod, not live$/),
    hint: expect.stringContaining("--from="),
  });
  for (const key of ["note.txt", "v=20260101T000000000Z", "audit/000000000001"]) {
    const there = MemoryStore.of({ [key]: Buffer.from("theirs") });
    const refused = { name: "InputError", hint: "choose another --prefix, or remove it" };
    expect(await rejection(move(world, there)), key).toMatchObject(refused);
    expect([...there.bucket.keys()]).toEqual([key]);
  }
  await world.set({ B: "2" });
  const begun = (more: Record<string, Uint8Array>) =>
    MemoryStore.of({ [auditKey(1)]: world.bytes(auditKey(1)), ...more });
  const theirs = Buffer.from("theirs");
  expect(await rejection(move(world, begun({ "note.txt": theirs })))).toBeInstanceOf(InputError);
  expect(await rejection(move(world, begun({ [auditKey(2)]: theirs })))).toBeInstanceOf(ConflictError);
});

test("a vault that went on at the old place is not declared moved", async () => {
  const world = await World.pushed({ A: "1" });
  const there = new MemoryStore();
  const replace: ObjectStore["replace"] = () => Promise.reject(new Error("killed"));
  await rejection(move(world, there, { store: world.storeWith({ replace }) }));
  const resumed = { done: "committed there", committed: { manifest: { gen: 2, env: ENV } } };
  expect(await move(world.fork(), there)).toMatchObject(resumed);
  await world.set({ B: "2" });
  expect(await rejection(move(world, there))).toMatchObject({
    name: "ConflictError",
    hint: expect.stringContaining("remove the copied objects"),
  });
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
  const { rotated_at } = await world.manifest();
  world.clock.ms += 1000;
  const given = { to: { ...FROM, env: "live" }, annotation: { actor: ACTOR, meta: { ticket: "OPS-1" } } };
  const { committed, ...plan } = await move(world, world.store, given);
  expect(plan).toMatchObject({ done: "nothing", leavesUsage: false });
  const { manifest } = await opened(world, world.store, "live");
  expect(committed?.manifest).toEqual(manifest);
  const meta = { ticket: "OPS-1", moved_from: { env: ENV, prefix: FROM.prefix } };
  expect(manifest).toMatchObject({ gen: 2, action: "move", meta, rotated_at });
});

test("a long history moves without the bundles that gc removed; a bundle that was altered stops it", async () => {
  const world = await World.pushed({ A: "1" });
  for (let gen = 2; gen <= 17; gen += 1) await world.push({ A: String(gen) });
  const { bundle } = await world.manifest();
  await world.push({ A: "18" });
  await world.gc({ keep: 2, olderThanMs: 0 });
  const before = world.objects();
  world.tamper(bundle.key, Buffer.from("altered"));
  const there = new MemoryStore();
  expect(await rejection(move(world, there))).toMatchObject({ name: "BundleCorruptError" });
  world.tamper(bundle.key, before.get(bundle.key)?.bytes ?? null);
  expect(await move(world, there)).toMatchObject({ leavesUsage: false });
  const { manifest } = await opened(world, there, "live");
  const { rows, outstanding } = await verifyAudit(there, manifest);
  expect([rows.length, outstanding]).toEqual([manifest.gen, null]);
  const bundles = [...before.keys()].filter((key) => key.startsWith("v="));
  expect([...there.bucket.keys()]).toEqual(expect.arrayContaining(bundles));
});

test("row 1 goes first, as the sign of a begun move; a bundle goes even before its row is written", async () => {
  const world = await World.pushed({ A: "1" });
  await world.set({ B: "2" });
  const { bundle } = await world.manifest();
  const there = new MemoryStore();
  there.faults = {
    before({ operation, key }) {
      if (operation === "create" && key === auditKey(1)) throw new Error("killed");
    },
  };
  expect(await rejection(move(world, there))).toMatchObject({ message: "killed" });
  expect(there.bucket.size).toBe(0);
  there.faults = {};
  world.tamper(auditKey(2), null);
  await move(world, there);
  expect(there.bucket.has(bundle.key)).toBe(true);
});

test("a move that commits only at the new place says so, and goes on when it is run again", async () => {
  const [world, there] = [await World.pushed({ A: "1" }), new MemoryStore()];
  for (const fault of [
    new AccessDeniedError("injected: 403", { hint: "its own" }),
    new S3UnreachableError("injected"),
  ]) {
    world.failing({
      before({ operation }) {
        if (operation === "create") throw fault;
      },
    });
    expect(await rejection(move(world, there))).toMatchObject({
      name: fault.name,
      message: `api/live at acme/api/live/ is committed, but the old place still takes writes: ${fault.message}`,
      hint: `${fault.hint ?? "try again later"}; then run the same vsync move again: it goes on`,
    });
  }
  world.failing({});
  expect(await move(world, there)).toMatchObject({ done: "committed there" });
  expect(movedTo((await opened(world, world.store, ENV)).manifest)).toEqual(TO);
});

test("what a proof of the bucket could not remove is not in the way", async () => {
  const [world, there] = [await World.pushed({ A: "1" }), new MemoryStore()];
  const fault = new S3UnreachableError("injected: reset");
  there.faults = { before: ({ operation }) => (operation === "delete" ? Promise.reject(fault) : undefined) };
  expect((await probeStore(there, world)).leftover).toHaveLength(2);
  await move(world, there);
  expect((await opened(world, there, "live")).manifest).toMatchObject({ gen: 2, action: "move" });
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
  expect((await finish()).keys).toEqual(bundles);
  expect(await rejection(finish(there, "A".repeat(22)))).toMatchObject(notMoved);
  expect(await rejection(finish(new MemoryStore()))).toMatchObject({ name: "ManifestNotFoundError" });
  const fault = new S3UnreachableError("injected: reset");
  world.failing({
    before: ({ operation, key }) => (operation === "delete" && key === bundles[1] ? Promise.reject(fault) : undefined),
  });
  expect(await rejection((await finish()).remove())).toMatchObject({
    message: "1 of 2 bundles are left: injected: reset",
    hint: "once the store answers, run the same vsync move again: it removes the rest",
  });
  world.failing({});
  const rest = await finish();
  expect(rest.keys).toEqual(bundles.slice(1));
  await rest.remove();
  expect((await finish()).keys).toEqual([]);
  world.store.bucket.clear();
  expect(await rejection(finish())).toMatchObject(notMoved);
});
