import { Secret } from "../../src/crypto/secret.ts";
import type { Committed } from "../../src/vault/commit/commit.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { collectGarbage } from "../../src/vault/gc.ts";
import { reconcileAudit } from "../../src/vault/reconcile.ts";
import { restoreGeneration } from "../../src/vault/restore.ts";
import { setItems, unsetItems } from "../../src/vault/set.ts";
import {
  amendRequest,
  emptyWorld,
  HOUR_MS,
  type Machine,
  NEW,
  OLD,
  push,
  pushedWorld,
  rotate,
  type Secrets,
  secretItems,
  type World,
} from "../../test/vault/fixture.ts";

/** What comes of opening with one passphrase: what is seen, or the class of the error. */
export type Sight = { readonly gen: number; readonly secrets: Secrets } | string;

export interface Sights {
  readonly [OLD]: Sight;
  readonly [NEW]: Sight;
}

export interface UseCase {
  readonly name: string;
  /** Where it starts; never changed, since every case works on a fork. */
  readonly world: World;
  readonly act: (machine: Machine) => Promise<Committed | null>;
  readonly before: Sights;
  readonly after: Sights;
  /** What comes of doing it again where it had committed before it was cut short. */
  readonly again: "resolves" | "WrongPassphraseError" | "InputError";
}

const WRONG = "WrongPassphraseError";
const oldOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: WRONG });
const newOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: WRONG, [NEW]: { gen, secrets } });
const both = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: { gen, secrets } });

async function pushAll(world: Machine, secrets: Secrets): Promise<Committed | null> {
  const result = await push(world, OLD, secrets);
  return result.kind === "pushed" ? result.committed : null;
}

/** At generation 2, whose row is missing: the commit before was cut short. */
async function outstandingWorld(): Promise<World> {
  const world = await pushedWorld({ A: "1" });
  await push(world, OLD, { A: "2" });
  world.store.bucket.delete(auditKey(2));
  return world;
}

export async function editingUseCases(): Promise<readonly UseCase[]> {
  const empty = await emptyWorld();
  const pushed = await pushedWorld({ A: "1", B: "2" });
  const start = { world: pushed, before: oldOnly(1, { A: "1", B: "2" }), again: "resolves" } as const;
  const nobody = { [OLD]: "ManifestNotFoundError", [NEW]: "ManifestNotFoundError" };
  return [
    {
      ...start,
      name: "first push",
      world: empty,
      before: nobody,
      act: (world) => pushAll(world, { A: "1" }),
      after: oldOnly(1, { A: "1" }),
    },
    {
      ...start,
      name: "push",
      act: (world) => pushAll(world, { A: "3", C: "4" }),
      after: oldOnly(2, { A: "3", C: "4" }),
    },
    {
      ...start,
      name: "set",
      act: async (world) => (await setItems(world, amendRequest(OLD), secretItems({ C: "3" }))).committed,
      after: oldOnly(2, { A: "1", B: "2", C: "3" }),
    },
    {
      ...start,
      name: "unset",
      act: async (world) => (await unsetItems(world, amendRequest(OLD), ["B"])).committed,
      after: oldOnly(2, { A: "1" }),
      again: "InputError",
    },
    ...(await outstandingUseCases()),
  ];
}

async function outstandingUseCases(): Promise<readonly UseCase[]> {
  const world = await outstandingWorld();
  const start = { world, before: oldOnly(2, { A: "2" }), again: "resolves" } as const;
  return [
    {
      ...start,
      name: "push over an outstanding row",
      act: (it) => pushAll(it, { A: "3" }),
      after: oldOnly(3, { A: "3" }),
    },
    {
      ...start,
      name: "reconcile",
      act: async (it) => {
        await reconcileAudit(it, amendRequest(OLD));
        return null;
      },
      after: oldOnly(2, { A: "2" }),
    },
  ];
}

export async function rotatingUseCases(): Promise<readonly UseCase[]> {
  const pushed = await pushedWorld({ A: "1", B: "2" });
  const start = { world: pushed, before: oldOnly(1, { A: "1", B: "2" }), again: WRONG } as const;
  const window = await pushedWorld({ A: "1" });
  await rotate(window, OLD, NEW, { graceMs: HOUR_MS });
  return [
    {
      ...start,
      name: "rotate",
      act: async (world) => (await rotate(world, OLD, NEW)).committed,
      after: newOnly(2, { A: "1", B: "2" }),
    },
    {
      ...start,
      name: "rotate with grace",
      act: async (world) => (await rotate(world, OLD, NEW, { graceMs: HOUR_MS })).committed,
      after: both(2, { A: "1", B: "2" }),
      again: "InputError",
    },
    {
      ...start,
      name: "finish",
      world: window,
      before: both(2, { A: "1" }),
      act: async (world) => (await finishRotation(world, amendRequest(NEW)))?.committed ?? null,
      after: newOnly(3, { A: "1" }),
      again: "resolves",
    },
    await restoring(),
    await collecting(),
  ];
}

/** Back over a rotation: the generation has another passphrase than the vault of today. */
async function restoring(): Promise<UseCase> {
  const world = await pushedWorld({ A: "1" });
  await rotate(world, OLD, NEW);
  await setItems(world, amendRequest(NEW), secretItems({ A: "2" }));
  const request = { gen: 1, passphraseThen: Secret.ofText(OLD), confirm: async () => true };
  return {
    name: "restore",
    world,
    before: newOnly(3, { A: "2" }),
    act: async (it) => (await restoreGeneration(it, { ...amendRequest(NEW), ...request })).committed,
    after: newOnly(4, { A: "1" }),
    again: "resolves",
  };
}

/** Two bundles to remove, and an orphan of a commit that was cut short. */
async function collecting(): Promise<UseCase> {
  const world = await pushedWorld({ A: "1" });
  for (const value of ["2", "3"]) {
    world.clock.ms += HOUR_MS;
    await push(world, OLD, { A: value });
  }
  await world.store.create("v=20260101T003000000Z", new TextEncoder().encode("orphan"));
  const request = { keep: 1, olderThanMs: 0, confirm: async () => true };
  return {
    name: "gc",
    world: { ...world, clock: { ...world.clock, ms: world.clock.ms + 1 } },
    before: oldOnly(3, { A: "3" }),
    act: async (it) => (await collectGarbage(it, { ...amendRequest(OLD), ...request })).committed,
    after: oldOnly(4, { A: "3" }),
    again: "resolves",
  };
}
