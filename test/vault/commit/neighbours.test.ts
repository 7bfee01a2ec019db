import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { AccessDeniedError, ConflictError, S3UnreachableError } from "../../../src/errors.ts";
import { readNeighbours } from "../../../src/vault/commit/neighbours.ts";
import { MAX_GEN, MAX_MANIFEST_BYTES } from "../../../src/vault/format/limits.ts";
import { AUDIT_PREFIX, auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../../support/world.ts";

describe("the audit rows on both sides of a commit", () => {
  test("are requested in parallel; disposal aborts what is pending", () => {
    const store = new MemoryStore({ faults: { before: () => new Promise(() => {}) } });
    const [list, get] = [vi.spyOn(store, "list"), vi.spyOn(store, "get")];
    const aborted = () => [list, get].map(({ mock }) => mock.calls[0]?.[1]?.signal?.aborted);
    const neighbours = readNeighbours(store, 7);
    expect(aborted()).toEqual([false, false]);
    neighbours[Symbol.dispose]();
    expect(aborted()).toEqual([true, true]);
    expect(store.requests.map(({ operation, key }) => [operation, key])).toEqual([
      ["list", AUDIT_PREFIX],
      ["get", auditKey(6)],
    ]);
    expect(list.mock.calls[0]?.[1]?.startAfter).toBe(auditKey(6));
    expect(get.mock.calls[0]?.[1].maxBytes).toBe(MAX_MANIFEST_BYTES);
  });

  test("are one row for the first generation", async () => {
    const store = new MemoryStore();
    using neighbours = readNeighbours(store, 1);
    expect(await neighbours.before).toBeNull();
    expect(store.requests.map(({ operation, key }) => [operation, key])).toEqual([["list", AUDIT_PREFIX]]);
  });

  test("are not listed beyond the last possible row, where planted names may never end", async () => {
    const store = new MemoryStore();
    vi.spyOn(store, "list").mockImplementation(async function* () {
      yield `${AUDIT_PREFIX}z`;
      throw new S3UnreachableError("no end");
    });
    using neighbours = readNeighbours(store, 7);
    expect(await neighbours.above).toBeNull();
  });

  test.each([8, MAX_GEN])("are seen behind planted names, up to the last: %i", async (gen) => {
    const store = new MemoryStore();
    for (const key of [`${auditKey(7)}-planted`, auditKey(gen)]) await store.create(key, Uint8Array.of(1));
    using neighbours = readNeighbours(store, 7);
    expect(await neighbours.above).toBe(gen);
  });

  test("fail where they are awaited, without an unhandled rejection if they never are", async () => {
    const before = async () => {
      throw new AccessDeniedError("injected");
    };
    using neighbours = readNeighbours(new MemoryStore({ faults: { before } }), 7);
    expect(await rejection(neighbours.above)).toBeInstanceOf(AccessDeniedError);
    await nextTurn();
  });
});

describe("a commit on a restored older manifest", () => {
  /** The vault is at generation 3, in a grace window; `older` is the manifest of generation 2. */
  let world: World;
  let older: Uint8Array;
  let newest: Uint8Array;
  beforeEach(async () => {
    world = await World.pushed({ A: "1" });
    await world.rotate(OLD, NEW, { graceMs: 9 * HOUR_MS });
    older = world.bytes(MANIFEST_KEY);
    world.clock.ms += HOUR_MS;
    await world.push({ A: "3" }, { by: NEW });
    newest = world.bytes(MANIFEST_KEY);
    world.clock.ms += HOUR_MS;
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["push", (it) => it.push({ A: "4" }, { by: NEW })],
    ["rotate", (it) => it.rotate(NEW, "a third passphrase")],
    ["finish", (it) => it.finish({ by: NEW })],
  ])("is a rollback: %s writes nothing, until the newest manifest is back", async (_name, commit) => {
    const before = world.tamper(MANIFEST_KEY, older).objects();
    expect(await rejection(commit(world))).toMatchObject({
      name: "RollbackError",
      message: "audit row 3 already exists: an older manifest was put back",
    });
    expect(world.objects()).toEqual(before);
    await commit(world.tamper(MANIFEST_KEY, newest));
  });

  test("is a rollback also if the row that follows it was removed", async () => {
    await world.push({ A: "4" }, { by: NEW });
    const before = world.tamper(MANIFEST_KEY, older).tamper(auditKey(3), null).objects();
    expect(await rejection(world.push({ A: "5" }, { by: NEW }))).toMatchObject({
      name: "RollbackError",
      message: "audit row 4 already exists: an older manifest was put back",
    });
    expect(world.objects()).toEqual(before);
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["restore", (it) => it.restore(1, { by: NEW })],
    ["gc", (it) => it.gc({ by: NEW })],
  ])("is a broken chain to %s, which reads the rows first", async (_name, commit) => {
    const before = world.tamper(MANIFEST_KEY, older).objects();
    expect(await rejection(commit(world))).toMatchObject({ name: "AuditBrokenError", row: 3 });
    expect(world.objects()).toEqual(before);
  });

  test("does not make a second vault if the manifest is gone", async () => {
    const before = world.tamper(MANIFEST_KEY, null).objects();
    expect(await rejection(world.push({ A: "4" }))).toMatchObject({
      name: "RollbackError",
      message: "audit row 1 already exists: the manifest is gone",
    });
    expect(world.objects()).toEqual(before);
  });

  test("is a conflict, not a rollback, if another commit has come since the manifest was read", async () => {
    const machine = world.peer().failing({
      async before({ operation, key }) {
        if (operation === "list" && key === AUDIT_PREFIX) await world.peer().push({ A: "faster" }, { by: NEW });
      },
    });
    const error = await rejection(machine.push({ A: "4" }, { by: NEW }));
    expect(error).toBeInstanceOf(ConflictError);
    expect((error as Error).message).toMatch(/^another writer committed generation 4 first/);
    expect(machine.store.requests.some(({ bytes }) => bytes !== undefined)).toBe(false);
  });
});
