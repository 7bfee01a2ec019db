import { beforeEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import {
  AccessDeniedError,
  BundleCorruptError,
  InputError,
  S3UnreachableError,
  WrongPassphraseError,
} from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { openGeneration } from "../../src/vault/audit/older-generation.ts";
import type { Changes } from "../../src/vault/changes.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES } from "../../src/vault/format/limits.ts";
import type { StoreRequest } from "../support/memory-store.ts";
import { holding } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, rejection, secretsOf, World } from "../support/world.ts";

const THIRD = "the third passphrase";

/** Generations 1 (OLD), 2 (OLD), 3 (rotation to NEW, in a window), 4 (NEW), an hour apart. */
let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "2", B: "2" });
  world.clock.ms += HOUR_MS;
  await world.rotate(OLD, NEW, { graceMs: 24 * HOUR_MS });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "4" }, { by: NEW });
});

function bundles(of = world): string[] {
  return [...of.store.bucket.keys()].filter((key) => key.startsWith("v=")).toSorted();
}

describe("opening", () => {
  async function opened(gen: number, passphrase: string): Promise<unknown> {
    const { manifest } = await world.open(NEW);
    const request = { gen, holder: holding(passphrase) };
    return secretsOf((await openGeneration(world.store, manifest, request)).items);
  }

  test.each([
    [1, OLD, { A: "1" }],
    [2, OLD, { A: "2", B: "2" }],
    [3, NEW, { A: "2", B: "2" }],
    [3, OLD, { A: "2", B: "2" }],
    [4, OLD, { A: "4" }],
    [4, NEW, { A: "4" }],
  ])("generation %i with %s", async (gen, passphrase, secrets) => {
    expect(await opened(gen, passphrase)).toEqual(secrets);
  });

  test.each([
    [1, NEW],
    [2, NEW],
    [3, THIRD],
  ])("generation %i with %s: no slot of that time", async (gen, passphrase) => {
    expect(await rejection(opened(gen, passphrase))).toBeInstanceOf(WrongPassphraseError);
  });

  test.each([0, 5, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("there is no generation %d", async (gen) => {
    expect(await rejection(opened(gen, NEW))).toBeInstanceOf(InputError);
  });

  test("a bundle that was swapped for another generation's is corrupt", async () => {
    const [first = "", second = ""] = bundles();
    const other = world.store.bucket.get(first);
    if (other !== undefined) world.store.bucket.set(second, other);
    expect(await rejection(opened(2, OLD))).toBeInstanceOf(BundleCorruptError);
  });
});

describe("restore", () => {
  const restore = (gen: number, then: string, confirm = async (_changes: Changes) => true) =>
    world.restore(gen, { by: NEW, oldPassphrase: then, confirm });

  test("makes a new generation of the old items, for today's passphrases", async () => {
    let asked: Changes | undefined;
    const { committed } = await restore(2, OLD, async (changes) => {
      asked = changes;
      return true;
    });
    expect(asked).toEqual({ added: ["B"], changed: ["A"], removed: [], unchanged: [] });
    expect(committed?.manifest).toMatchObject({ gen: 5, action: "restore", meta: { event: "restore", from_gen: 2 } });
    expect(await world.secrets(NEW)).toEqual({ A: "2", B: "2" });
    expect(await world.secrets()).toEqual({ A: "2", B: "2" });
  });

  test("its meta: the operator's own, and never over what the row must say", async () => {
    const annotation = { note: "why", meta: { ticket: "OPS-1", event: "forged", from_gen: 9 } };
    const { committed } = await world.restore(1, { by: NEW, ...annotation });
    expect(committed?.manifest).toMatchObject({
      note: "why",
      meta: { ticket: "OPS-1", event: "restore", from_gen: 1 },
    });
  });

  test("declined, refused or impossible: nothing is written", async () => {
    const { bucket } = world.fork().store;
    expect(await restore(1, OLD, async () => false)).toMatchObject({ committed: null });
    expect(await rejection(restore(1, NEW))).toBeInstanceOf(WrongPassphraseError);
    expect(await rejection(restore(9, NEW))).toBeInstanceOf(InputError);
    expect(world.store.bucket).toEqual(bucket);
  });
});

describe("gc", () => {
  const gc = (more: Parameters<World["gc"]>[0] = {}) => world.gc({ by: NEW, ...more });

  test.each([
    [1, 3],
    [2, 2],
    [3, 1],
  ])("keep %i: removes %i of 4, and says so in a generation of its own", async (keep, count) => {
    const before = bundles();
    const collected = await gc({ keep });
    expect(collected.plan).toEqual(before.slice(0, count));
    expect(bundles()).toEqual([...before.slice(count), collected.committed?.manifest.bundle.key]);
    const { manifest } = await world.open(NEW);
    expect(manifest).toMatchObject({ gen: 5, action: "gc", meta: { event: "gc", removed: before.slice(0, count) } });
    expect((await world.verify(manifest)).rows).toHaveLength(5);
    expect(await world.secrets(NEW)).toEqual({ A: "4" });
    expect(await world.secrets()).toEqual({ A: "4" });
  });

  test.each([
    [
      new AccessDeniedError("injected: 403"),
      "--role=operator` prints what it needs), then run the same vsync gc again",
    ],
    [new S3UnreachableError("injected: reset"), "once the store answers, run the same vsync gc again"],
  ])(
    "a removal fails with $name: it says what stands and what is left, and the next gc removes the rest",
    async (fault, hint) => {
      const [first, second, third] = bundles();
      let removals = 0;
      const failing = {
        before: ({ operation }: StoreRequest) => void (operation === "delete" && ++removals === 2 && fail()),
      };
      const fail = () => {
        throw fault;
      };
      world.store.faults = failing;
      const error = await rejection(gc());
      expect(error).toMatchObject({
        name: fault.name,
        message: `generation 5 is committed; 2 of 3 bundles are left: ${fault.message}`,
        hint: expect.stringContaining(hint),
      });
      world.store.faults = {};
      expect(bundles()).not.toContain(first);
      expect((await gc({ keep: 2 })).plan).toEqual([second, third]);
    },
  );

  test.each([4, 5, 1000])("keep %i: nothing to do", async (keep) => {
    expect(await gc({ keep })).toEqual({ plan: [], committed: null });
  });

  test.each([0, -1, 1.5, Number.NaN])("keep %d is refused", async (keep) => {
    const { bucket } = world.fork().store;
    expect(await rejection(gc({ keep }))).toBeInstanceOf(InputError);
    expect(world.store.bucket).toEqual(bucket);
  });

  test("only what is older", async () => {
    const before = bundles();
    expect((await gc({ olderThanMs: 2 * HOUR_MS })).plan).toEqual(before.slice(0, 1));
  });

  test("a bundle that is newer than the manifest may be a commit under way", async () => {
    const orphans = ["v=20260101T013000000Z", "v=20260101T040000000Z"];
    for (const key of orphans) await world.store.create(key, new TextEncoder().encode("orphan"));
    world.clock.ms += 24 * HOUR_MS;
    const collected = await gc({ keep: 4 });
    expect(collected.plan).toEqual(orphans.slice(0, 1));
    expect(bundles()).toContain(orphans[1]);
  });

  test("leaves what is no bundle alone", async () => {
    const strangers = ["v=", "v=x", "v=20260101T000000000Z.bak", "v=20261301T000000000Z", "other"];
    for (const key of strangers) await world.store.create(key, new Uint8Array());
    await gc();
    for (const key of strangers) expect(world.store.bucket.has(key)).toBe(true);
  });

  test("declined: nothing is removed, nothing committed", async () => {
    const { bucket } = world.fork().store;
    expect(await gc({ confirm: async () => false })).toEqual({ plan: bundles().slice(0, 3), committed: null });
    expect(world.store.bucket).toEqual(bucket);
  });

  test("a reader that had read the manifest before still finds its bundle", async () => {
    const before = await world.open(NEW);
    await gc();
    expect(world.store.bucket.has(before.manifest.bundle.key)).toBe(true);
  });
});

describe("a bundle that was altered in the store", () => {
  const NOT_ITS_SIZE = "does not have the size that its manifest gives";
  test.each<[string, string, (genuine: Uint8Array) => Uint8Array | null]>([
    ["gone", "is not there", () => null],
    ["longer", NOT_ITS_SIZE, (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ["shorter", NOT_ITS_SIZE, (bytes) => bytes.subarray(0, -1)],
    ["altered", "does not have the digest that its manifest gives", (bytes) => bytes.map((byte) => byte ^ 1)],
  ])("%s: nothing opens, nothing is committed, and the way back is to put it back", async (_name, said, alter) => {
    const { key } = (await world.open(NEW)).manifest.bundle;
    const genuine = bytesAt(key);
    const altered = alter(genuine);
    if (altered === null) world.store.bucket.delete(key);
    else put(key, altered);
    for (const act of [
      () => world.open(NEW),
      () => world.push({ A: "5" }, { by: NEW }),
      () => world.rotate(NEW, THIRD),
      () => world.restore(2, { by: NEW }),
    ]) {
      const error = await rejection(act());
      expect(error).toBeInstanceOf(BundleCorruptError);
      expect((error as BundleCorruptError).message).toBe(`the bundle ${key} ${said}`);
      expect((error as BundleCorruptError).hint).toMatch(altered === null ? /^put the object back/ : /^it was altered/);
    }
    put(key, genuine);
    await world.push({ A: "5" }, { by: NEW });
    expect(await world.secrets(NEW)).toEqual({ A: "5" });
  });

  function bytesAt(key: string): Uint8Array {
    return world.store.bucket.get(key)?.bytes ?? expect.unreachable(`no ${key}`);
  }

  function put(key: string, bytes: Uint8Array): void {
    world.store.bucket.set(key, { bytes, version: sha256Hex(bytes) });
  }
});

test("every read says how much it can bear", async () => {
  const bounds: [string, number][] = [];
  const bounded: ObjectStore["get"] = (key, options) => {
    bounds.push([key, options.maxBytes]);
    return world.store.get(key, options);
  };
  const store = new Proxy(world.store, {
    get: (target, name) => {
      if (name === "get") return bounded;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const watched = world.with({ store });
  await watched.restore(1, { by: NEW });
  expect(bounds.length).toBeGreaterThan(6);
  for (const [key, maxBytes] of bounds) {
    if (!key.startsWith("v=")) expect([key, maxBytes]).toEqual([key, MAX_MANIFEST_BYTES]);
    else expect(maxBytes).toBe(world.store.bucket.get(key)?.bytes.length);
    expect(maxBytes).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  }
});
