import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { ConflictError, RollbackError } from "../../src/errors.ts";
import type { StoredObject } from "../../src/ports.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { collectGarbage } from "../../src/vault/gc.ts";
import { restoreGeneration } from "../../src/vault/restore.ts";
import { setItems } from "../../src/vault/set.ts";
import {
  amendRequest,
  forkOf,
  HOUR_MS,
  NEW,
  OLD,
  open,
  peerOf,
  push,
  pushedWorld,
  rejection,
  rotate,
  secretItems,
  type World,
} from "./fixture.ts";

let world: World;
/** The manifest of generation 2, inside a window; the vault is at generation 3. */
let older: StoredObject;

beforeEach(async () => {
  world = await pushedWorld({ A: "1" });
  await rotate(world, OLD, NEW, { graceMs: 9 * HOUR_MS });
  older = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
  world.clock.ms += HOUR_MS;
  await push(world, NEW, { A: "3" });
  world.clock.ms += HOUR_MS;
});

const yes = async () => true;
const commits: readonly [string, (world: World) => Promise<unknown>][] = [
  ["push", (it) => push(it, NEW, { A: "4" })],
  ["set", (it) => setItems(it, amendRequest(NEW), secretItems({ B: "4" }))],
  ["rotate", (it) => rotate(it, NEW, "a third passphrase")],
  ["finish", (it) => finishRotation(it, amendRequest(NEW))],
  [
    "restore",
    (it) => restoreGeneration(it, { ...amendRequest(NEW), gen: 1, passphraseThen: Secret.ofText(OLD), confirm: yes }),
  ],
  ["gc", (it) => collectGarbage(it, { ...amendRequest(NEW), keep: 1, olderThanMs: 0, confirm: yes })],
];

describe("on a manifest that was put back, by whoever has seen no newer one", () => {
  test.each(commits)("%s writes nothing", async (_name, commit) => {
    world.store.bucket.set(MANIFEST_KEY, older);
    const { bucket } = forkOf(world).store;
    const error = await rejection(commit(world));
    // Restoring and collecting look at the rows first: there the newer row is the fault.
    expect((error as Error).name).toMatch(/^(RollbackError|AuditBrokenError)$/);
    expect((error as Error).message).toMatch(/^audit row 3 is (there already|newer than the manifest)/);
    expect(world.store.bucket).toEqual(bucket);
  });
});

test("where the manifest was taken away, no second vault is begun", async () => {
  world.store.bucket.delete(MANIFEST_KEY);
  const { bucket } = forkOf(world).store;
  const error = await rejection(push(world, OLD, { A: "4" }));
  expect(error).toBeInstanceOf(RollbackError);
  expect((error as RollbackError).message).toBe("audit row 1 is there already: the manifest is gone");
  expect(world.store.bucket).toEqual(bucket);
});

test("a commit that has come since the manifest was read is a conflict, no rollback", async () => {
  const machine = peerOf(world);
  machine.store.faults = {
    async before({ operation, key }) {
      if (operation === "head" && key === auditKey(4)) await push(peerOf(world), NEW, { A: "faster" });
    },
  };
  const error = await rejection(push(machine, NEW, { A: "4" }));
  expect(error).toBeInstanceOf(ConflictError);
  expect((error as ConflictError).message).toMatch(/^another writer committed generation 4 first/);
  expect((await open(world, NEW)).manifest.gen).toBe(4);
  expect(machine.store.requests.some(({ bytes }) => bytes !== undefined)).toBe(false);
});

test("the newest manifest put back where it belongs: all goes on", async () => {
  const newest = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
  world.store.bucket.set(MANIFEST_KEY, older);
  expect(await rejection(push(world, NEW, { A: "4" }))).toMatchObject({
    name: "RollbackError",
    message: "audit row 3 is there already: an older manifest was put back",
  });
  world.store.bucket.set(MANIFEST_KEY, newest);
  await push(world, NEW, { A: "4" });
  expect((await open(world, NEW)).manifest.gen).toBe(4);
});
