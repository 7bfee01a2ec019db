import type { Committed } from "../../src/vault/commit/proposal.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { HOUR_MS, type Machine, NEW, OLD, type Secrets, World } from "../../test/support/world.ts";

/** The result of opening with one passphrase: the vault's content, or the class of the error. */
export type Sight = SeenVault | string;

interface SeenVault {
  readonly gen: number;
  readonly secrets: Secrets;
  /** What operators see of each token, in the order of their creation; absent before the first. */
  readonly tokens?: readonly string[];
}

export interface Sights {
  readonly [OLD]: Sight;
  readonly [NEW]: Sight;
}

export interface UseCase {
  readonly name: string;
  /** The starting point. It never changes, because every case works on a fork. */
  readonly world: World;
  readonly act: (machine: Machine) => Promise<Committed | null>;
  readonly before: Sights;
  readonly after: Sights;
  /** The result of a second run after an interrupted run that had committed. */
  readonly again: "resolves" | "WrongPassphraseError" | "InputError";
}

const WRONG = "WrongPassphraseError";
const oldOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: WRONG });
const newOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: WRONG, [NEW]: { gen, secrets } });
const both = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: { gen, secrets } });

async function pushAll(world: Machine, secrets: Secrets): Promise<Committed | null> {
  return (await world.push(secrets)).committed;
}

/** At generation 2, whose row is missing because the commit was interrupted. */
async function outstandingWorld(): Promise<World> {
  const world = await World.pushed({ A: "1" });
  await world.push({ A: "2" });
  world.store.bucket.delete(auditKey(2));
  return world;
}

export async function editingUseCases(): Promise<readonly UseCase[]> {
  const empty = await World.empty();
  const pushed = await World.pushed({ A: "1", B: "2" });
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
      act: async (world) => (await world.set({ C: "3" })).committed,
      after: oldOnly(2, { A: "1", B: "2", C: "3" }),
    },
    {
      ...start,
      name: "unset",
      act: async (world) => (await world.unset(["B"])).committed,
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
        await it.reconcile();
        return null;
      },
      after: oldOnly(2, { A: "2" }),
    },
  ];
}

export async function rotatingUseCases(): Promise<readonly UseCase[]> {
  const pushed = await World.pushed({ A: "1", B: "2" });
  const start = { world: pushed, before: oldOnly(1, { A: "1", B: "2" }), again: WRONG } as const;
  const window = await World.pushed({ A: "1" });
  await window.rotate(OLD, NEW, { graceMs: HOUR_MS });
  return [
    {
      ...start,
      name: "rotate",
      act: async (world) => (await world.rotate(OLD, NEW)).committed,
      after: newOnly(2, { A: "1", B: "2" }),
    },
    {
      ...start,
      name: "rotate with grace",
      act: async (world) => (await world.rotate(OLD, NEW, { graceMs: HOUR_MS })).committed,
      after: both(2, { A: "1", B: "2" }),
      again: "InputError",
    },
    {
      ...start,
      name: "finish",
      world: window,
      before: both(2, { A: "1" }),
      act: async (world) => (await world.finish({ by: NEW }))?.committed ?? null,
      after: newOnly(3, { A: "1" }),
      again: "resolves",
    },
    await restoring(),
    await collecting(),
  ];
}

const LIVE = "active, sealed";
const ENDED = "revoked, not sealed";

/** A token that nobody can name would be missing from the list, and then no later commit would be accepted. */
export async function tokenUseCases(): Promise<readonly Omit<UseCase, "again">[]> {
  const pushed = await World.pushed({ A: "1", B: "2" });
  const holding = pushed.fork();
  await holding.createToken({ name: "api" });
  const sights = (gen: number, ...tokens: readonly string[]): Sights => ({
    [OLD]: { gen, secrets: { A: "1", B: "2" }, tokens },
    [NEW]: WRONG,
  });
  return [
    {
      name: "tokens create",
      world: pushed,
      before: oldOnly(1, { A: "1", B: "2" }),
      act: async (world) => (await world.createToken({ name: "ci" })).committed,
      after: sights(2, LIVE),
    },
    {
      name: "tokens rotate",
      world: holding,
      before: sights(2, LIVE),
      act: async (world) => (await world.rotateTokens(["api"])).committed,
      after: sights(3, ENDED, LIVE),
    },
    {
      name: "tokens revoke",
      world: holding,
      before: sights(2, LIVE),
      act: async (world) => (await world.revokeTokens(["api"])).committed,
      after: sights(3, ENDED),
    },
  ];
}

/** Restores from before a rotation, when the vault had another passphrase. */
async function restoring(): Promise<UseCase> {
  const world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW);
  await world.set({ A: "2" }, { by: NEW });
  return {
    name: "restore",
    world,
    before: newOnly(3, { A: "2" }),
    act: async (it) => (await it.restore(1, { by: NEW })).committed,
    after: newOnly(4, { A: "1" }),
    again: "resolves",
  };
}

/** Two bundles to remove, and the orphan of an interrupted commit. */
async function collecting(): Promise<UseCase> {
  const world = await World.pushed({ A: "1" });
  for (const value of ["2", "3"]) {
    world.clock.ms += HOUR_MS;
    await world.push({ A: value });
  }
  await world.store.create("v=20260101T003000000Z", new TextEncoder().encode("orphan"));
  return {
    name: "gc",
    world: world.with({ clock: { ...world.clock, ms: world.clock.ms + 1 } }),
    before: oldOnly(3, { A: "3" }),
    act: async (it) => (await it.gc()).committed,
    after: oldOnly(4, { A: "3" }),
    again: "resolves",
  };
}
