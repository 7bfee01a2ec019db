import assert from "node:assert/strict";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { VsyncError } from "../../src/errors.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { AUDIT_PREFIX, auditKey, BUNDLE_PREFIX, MANIFEST_KEY, parseTs } from "../../src/vault/format/object-keys.ts";
import type { World } from "../../test/support/world.ts";
import { HOUR_MS, type Machine, NEW, OLD, secretsOf } from "../../test/support/world.ts";
import type { Sight, Sights } from "./use-cases.ts";

const THIRD = "the third passphrase";

export async function sightsOf(world: World): Promise<Sights> {
  return { [OLD]: await sightOf(world, OLD), [NEW]: await sightOf(world, NEW) };
}

async function sightOf(world: World, passphrase: string): Promise<Sight> {
  try {
    const { manifest, bundle } = await world.fork().open(passphrase);
    const sight = { gen: manifest.gen, secrets: secretsOf(bundle.items) };
    if (manifest.certs === undefined) return sight;
    const tokens = await world.fork().tokens({ by: passphrase });
    return { ...sight, tokens: tokens.map(({ status, isSealed }) => `${status}, ${isSealed ? "" : "not "}sealed`) };
  } catch (error) {
    if (error instanceof VsyncError) return error.name;
    throw error;
  }
}

/** Inside a grace window both passphrases open, and the new one writes. */
export function writerOf(sights: Sights): string {
  return typeof sights[NEW] === "string" ? OLD : NEW;
}

/**
 * Verifies the chain: one row per generation without gaps, ascending bundle keys, and each named bundle complete (unless a
 * gc row says that it removed it). Returns the outstanding generation, or null.
 */
export async function expectChain(world: World, passphrase: string): Promise<number | null> {
  const { manifest } = await world.fork().open(passphrase);
  const { rows, outstanding } = await world.fork().verify(manifest);
  const newest = outstanding === null ? manifest.gen : manifest.prev_gen;
  const wanted = Array.from({ length: newest }, (_, at) => newest - at);
  assert.deepEqual(
    rows.map((row) => row.gen),
    wanted,
  );
  const keys = [...world.store.bucket.keys()].filter((key) => key.startsWith(AUDIT_PREFIX));
  assert.deepEqual(keys.toSorted(), rows.map((row) => auditKey(row.gen)).toReversed());
  const generations = outstanding === null ? rows : [manifest, ...rows];
  const removed = new Set(generations.flatMap(({ meta }) => (meta["removed"] as string[] | undefined) ?? []));
  for (const { bundle } of generations) {
    const stored = world.store.bucket.get(bundle.key);
    if (stored === undefined) assert.ok(removed.has(bundle.key), `${bundle.key} is gone`);
    else assert.equal(sha256Hex(stored.bytes), bundle.sha256, `${bundle.key} is not whole`);
  }
  expectAscending(generations.toReversed());
  return outstanding;
}

/** Bundle keys are unique, and ascend but for a commit whose clock is more than a day behind the one before. */
function expectAscending(generations: readonly Pick<Manifest, "at" | "bundle">[]): void {
  const keys = generations.map(({ bundle }) => bundle.key);
  assert.equal(new Set(keys).size, keys.length);
  for (const [index, { at, bundle }] of generations.slice(1).entries()) {
    const before = keys[index] ?? "";
    const behindMs = (parseTs(before.slice(BUNDLE_PREFIX.length)) ?? 0) - Date.parse(at);
    assert.ok(bundle.key > before || behindMs > 24 * HOUR_MS, `${bundle.key} follows ${before}`);
  }
}

/** `reconcile` appends the outstanding row, if any, and finds nothing to do the second time. */
export async function expectReconciles(world: World, passphrase: string, outstanding: number | null): Promise<void> {
  const first = await world.reconcile({ by: passphrase });
  assert.equal(first.appended, outstanding !== null);
  assert.equal(await expectChain(world, passphrase), null);
  assert.deepEqual(await world.reconcile({ by: passphrase }), { gen: first.gen, appended: false });
}

interface Next {
  readonly name: string;
  /** Returns the passphrase that writes afterwards. */
  readonly act: (machine: Machine, writer: string) => Promise<string>;
  /** Default: 1. */
  readonly generations?: number;
}

/** The possible next commits, on top of the state after a fault. */
const NEXT: readonly Next[] = [
  {
    name: "push",
    async act(world, writer) {
      await world.push({ NEXT: "push" }, { by: writer });
      return writer;
    },
  },
  {
    name: "set",
    async act(world, writer) {
      await world.set({ NEXT: "set" }, { by: writer });
      return writer;
    },
  },
  {
    name: "rotate",
    async act(world, writer) {
      await world.rotate(writer, THIRD);
      return THIRD;
    },
  },
  {
    name: "rotate with grace",
    async act(world, writer) {
      await world.rotate(writer, THIRD, { graceMs: HOUR_MS });
      assert.deepEqual(await world.secrets(writer), await world.secrets(THIRD));
      return THIRD;
    },
  },
  {
    name: "set, then restore",
    generations: 2,
    async act(world, writer) {
      const { gen } = await world.manifest(writer);
      await world.set({ NEXT: "to be undone" }, { by: writer });
      await world.restore(gen, { by: writer, oldPassphrase: writer });
      return writer;
    },
  },
];

/** Makes the next commit. `number` chooses its kind. Returns the passphrase that writes afterwards. */
export async function commitNext(machine: Machine, writer: string, number: number): Promise<string> {
  const isEmpty = (await machine.store.head(MANIFEST_KEY)) === null;
  const next = NEXT[isEmpty ? 0 : number % NEXT.length];
  assert.ok(next !== undefined);
  const before = isEmpty ? 0 : (await machine.open(writer)).manifest.gen;
  const after = await next.act(machine, writer);
  const { gen } = await machine.manifest(after);
  assert.deepEqual([next.name, gen], [next.name, before + (next.generations ?? 1)]);
  return after;
}

/** The next commit succeeds, makes the next generation, and leaves no row outstanding. */
export async function expectNext(world: World, writer: string, number: number): Promise<void> {
  const after = await commitNext(world, writer, number);
  assert.equal(await expectChain(world, after), null);
}
