import { beforeEach, describe, expect, test } from "vitest";
import { ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { committedBy, HOUR_MS, NEW, OLD, rejection, World } from "../../test/support/world.ts";
import { expectChain } from "./aftermath.ts";

/**
 * A machine whose swap is applied but whose answer is lost. Before its store reads back, `then` happens, so the object has
 * other bytes and the store throws `ConflictError`.
 */
function overtaken(world: World, then: (peer: World) => Promise<unknown>): World {
  const machine = world.peer();
  machine.store.faults = {
    async after({ key, bytes }) {
      if (key !== MANIFEST_KEY || bytes === undefined) return;
      await then(world.peer());
      throw new ConflictError("injected: the object has other bytes");
    },
  };
  return machine;
}

const setOne = (passphrase: string, name: string) => (world: World) => world.set({ [name]: "1" }, { by: passphrase });
const setTwo = (passphrase: string) => async (world: World) => {
  await setOne(passphrase, "X")(world);
  await setOne(passphrase, "Y")(world);
};

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

describe("a lost answer to the swap, under other commits, is a success", () => {
  const cases: readonly [string, (peer: World) => Promise<unknown>, number][] = [
    ["a set", setOne(OLD, "X"), 3],
    ["two sets", setTwo(OLD), 4],
    ["a rotation", (peer) => peer.rotate(OLD, NEW, { graceMs: HOUR_MS }), 3],
  ];
  test.each(cases)("push, then %s", async (_name, then, gen) => {
    const committed = committedBy(await overtaken(world, then).push({ A: "2" }));
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 2 } });
    expect(await world.secrets()).toMatchObject({ A: "2" });
    expect((await world.open()).manifest.gen).toBe(gen);
    expect(await expectChain(world, OLD)).toBeNull();
  });

  test("rotate, then a set with the new passphrase", async () => {
    const { committed } = await overtaken(world, setOne(NEW, "X")).rotate(OLD, NEW);
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 2, action: "rotate" } });
    expect(await world.secrets(NEW)).toEqual({ A: "1", X: "1" });
    expect(await expectChain(world, NEW)).toBeNull();
  });

  test("finish, then a set", async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    const finished = await overtaken(world, setOne(NEW, "X")).finish({ by: NEW });
    expect(finished?.committed).toMatchObject({ auditFault: null, manifest: { gen: 3 } });
    expect(await expectChain(world, NEW)).toBeNull();
  });

  test("the first push, then a set", async () => {
    const empty = await World.empty();
    const committed = committedBy(await overtaken(empty, setOne(OLD, "X")).push({ A: "1" }));
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 1 } });
    expect(await empty.secrets()).toEqual({ A: "1", X: "1" });
    expect(await expectChain(empty, OLD)).toBeNull();
  });
});

describe("a swap that lost to another commit is a conflict", () => {
  /** `then` happens between opening and swapping. */
  function tooLate(start: World, then: (peer: World) => Promise<unknown>): World {
    const machine = start.peer();
    machine.store.faults = {
      async before({ key, bytes }) {
        if (key === MANIFEST_KEY && bytes !== undefined) await then(start.peer());
      },
    };
    return machine;
  }

  test.each<[string, (peer: World) => Promise<unknown>, number]>([
    ["with its row", setOne(OLD, "X"), 2],
    ["with a second one on top", setTwo(OLD), 3],
    ["with its row outstanding", (peer) => setOne(OLD, "X")(peer).then(() => peer.store.bucket.delete(auditKey(2))), 2],
  ])("a set %s", async (_name, then, gen) => {
    const error = await rejection(tooLate(world, then).push({ A: "2" }));
    expect(error).toBeInstanceOf(ConflictError);
    expect((error as ConflictError).message).toMatch(
      /^another writer committed generation 2 first; stale object at v=\S+ is harmless \(manifest never named it\)$/,
    );
    expect(await world.secrets()).toMatchObject({ A: "1", X: "1" });
    expect((await world.open()).manifest.gen).toBe(gen);
  });

  test("another first push, of the same config", async () => {
    const empty = await World.empty();
    const error = await rejection(tooLate(empty, (peer) => peer.push({ B: "1" })).push({ A: "1" }));
    expect(error).toBeInstanceOf(ConflictError);
    expect(await empty.secrets()).toEqual({ B: "1" });
  });
});

describe("if the audit row cannot be read, the conflict stays unsettled", () => {
  function blinded(machine: World): World {
    const { after } = machine.store.faults;
    let swapped = false;
    machine.store.faults = {
      before() {
        if (swapped) throw new S3UnreachableError("injected: connection refused");
      },
      async after(request) {
        swapped ||= request.key === MANIFEST_KEY && request.bytes !== undefined;
        await after?.(request);
      },
    };
    return machine;
  }

  test("a commit that stands is not reported as a conflict", async () => {
    const machine = blinded(overtaken(world, setOne(OLD, "X")));
    const error = await rejection(machine.push({ A: "2" }));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect((error as Error).message).toMatch(/^generation 2 may or may not have been committed: /);
    expect(await world.secrets()).toEqual({ A: "2", X: "1" });
  });
});

describe("the audit row", () => {
  test("may be appended by another machine between our swap and our append", async () => {
    const machine = world.peer();
    machine.store.faults = {
      async before({ operation, key }) {
        if (operation === "create" && key === auditKey(2)) await world.peer().reconcile();
      },
    };
    const committed = committedBy(await machine.push({ A: "2" }));
    expect(committed.auditFault).toBeNull();
    expect(await expectChain(world, OLD)).toBeNull();
  });

  test("with other bytes is reported, and the commit stands", async () => {
    const machine = world.peer();
    const bytes = new TextEncoder().encode("not a row");
    machine.store.faults = {
      after({ key, bytes: written }) {
        if (key === MANIFEST_KEY && written !== undefined) {
          world.store.bucket.set(auditKey(2), { bytes, version: "forged" });
        }
      },
    };
    const committed = committedBy(await machine.push({ A: "2" }));
    expect(committed.auditFault).toMatchObject({ name: "AuditBrokenError", row: 2 });
    const next = world.fork();
    expect(await rejection(next.push({ A: "3" }))).toMatchObject({ name: "AuditBrokenError", row: 2 });
    expect(next.store.bucket).toEqual(world.store.bucket);
    expect(await rejection(next.reconcile())).toMatchObject({ row: 2 });
  });
});
