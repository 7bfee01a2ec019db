import { beforeEach, describe, expect, test } from "vitest";
import { ConflictError, RollbackError } from "../../src/errors.ts";
import type { StoredObject } from "../../src/ports.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

let world: World;
/** The manifest of generation 2, inside a window; the vault is at generation 3. */
let older: StoredObject;

beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: 9 * HOUR_MS });
  older = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
  world.clock.ms += HOUR_MS;
  await world.push({ A: "3" }, { by: NEW });
  world.clock.ms += HOUR_MS;
});

const commits: readonly [string, (world: World) => Promise<unknown>][] = [
  ["push", (it) => it.push({ A: "4" }, { by: NEW })],
  ["set", (it) => it.set({ B: "4" }, { by: NEW })],
  ["rotate", (it) => it.rotate(NEW, "a third passphrase")],
  ["finish", (it) => it.finish({ by: NEW })],
  ["restore", (it) => it.restore(1, { by: NEW })],
  ["gc", (it) => it.gc({ by: NEW })],
];

describe("on a manifest that was put back, by whoever has seen no newer one", () => {
  test.each(commits)("%s writes nothing", async (_name, commit) => {
    world.store.bucket.set(MANIFEST_KEY, older);
    const { bucket } = world.fork().store;
    const error = await rejection(commit(world));
    // Restoring and collecting look at the rows first: there the newer row is the fault.
    expect((error as Error).name).toMatch(/^(RollbackError|AuditBrokenError)$/);
    expect((error as Error).message).toMatch(/^audit row 3 is (there already|newer than the manifest)/);
    expect(world.store.bucket).toEqual(bucket);
  });
});

test("where the manifest was taken away, no second vault is begun", async () => {
  world.store.bucket.delete(MANIFEST_KEY);
  const { bucket } = world.fork().store;
  const error = await rejection(world.push({ A: "4" }));
  expect(error).toBeInstanceOf(RollbackError);
  expect((error as RollbackError).message).toBe("audit row 1 is there already: the manifest is gone");
  expect(world.store.bucket).toEqual(bucket);
});

test("a commit that has come since the manifest was read is a conflict, no rollback", async () => {
  const machine = world.peer();
  machine.store.faults = {
    async before({ operation, key }) {
      if (operation === "head" && key === auditKey(4)) await world.peer().push({ A: "faster" }, { by: NEW });
    },
  };
  const error = await rejection(machine.push({ A: "4" }, { by: NEW }));
  expect(error).toBeInstanceOf(ConflictError);
  expect((error as ConflictError).message).toMatch(/^another writer committed generation 4 first/);
  expect((await world.open(NEW)).manifest.gen).toBe(4);
  expect(machine.store.requests.some(({ bytes }) => bytes !== undefined)).toBe(false);
});

test("the newest manifest put back where it belongs: all goes on", async () => {
  const newest = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
  world.store.bucket.set(MANIFEST_KEY, older);
  expect(await rejection(world.push({ A: "4" }, { by: NEW }))).toMatchObject({
    name: "RollbackError",
    message: "audit row 3 is there already: an older manifest was put back",
  });
  world.store.bucket.set(MANIFEST_KEY, newest);
  await world.push({ A: "4" }, { by: NEW });
  expect((await world.open(NEW)).manifest.gen).toBe(4);
});
