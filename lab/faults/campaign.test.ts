import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { AccessDeniedError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { Committed } from "../../src/vault/commit/proposal.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { startStrictS3 } from "../../test/support/strict-s3/server.ts";
import type { World } from "../../test/support/world.ts";
import { alteredStore } from "./campaign/altered-store.ts";
import { failingCalls, killedCalls } from "./campaign/directory.ts";
import { domainTrials } from "./campaign/domain.ts";
import { endingOf } from "./campaign/ending.ts";
import { allowedOf, judge, type Verdict } from "./campaign/judge.ts";
import { type Operation, operations } from "./campaign/operations.ts";
import { LEVELS, type Results, sumOf } from "./campaign/results.ts";
import { s3Trials } from "./campaign/s3.ts";
import { Tally, type Trial } from "./campaign/trial.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("./derive-once.ts");
  return derivingOnce(await importActual());
});

let set: Operation;
let rotate: Operation;
beforeAll(async () => {
  const all = await operations();
  set = all.find(({ name }) => name === "set") ?? expect.unreachable();
  rotate = all.find(({ name }) => name === "rotate") ?? expect.unreachable();
});

/** Every `each`-th trial. `npm run faults` runs all of them. */
async function sample(trials: readonly Trial[], each: number): Promise<Tally> {
  const tally = new Tally();
  for (const [number, trial] of trials.entries()) if (number % each === 0) await tally.add(trial, number);
  return tally;
}

describe("a sample of `npm run faults` on each level", () => {
  test("domain", async () => {
    const tally = await sample(await domainTrials(rotate), 6);
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(10);
  });

  test("S3", async () => {
    const server = await startStrictS3();
    onTestFinished(() => server.close());
    const tally = await sample(await s3Trials(rotate, server), 7);
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(10);
  });

  test("directory and process", async () => {
    const folder = await mkdtemp(`${tmpdir()}/vsync-faults-`);
    onTestFinished(() => rm(folder, { recursive: true }));
    const tally = await sample(
      [...(await failingCalls(set, folder)), ...(await killedCalls(set, `${folder}/killed`, 20))],
      3,
    );
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(10);
  });
});

describe("the campaign reports", () => {
  /** The verdict on a `set` over a sound store altered by `spoil`. */
  async function verdictOn(spoil: (world: World) => ObjectStore, act = set.act): Promise<Verdict> {
    const world = set.world.fork();
    const store = spoil(world);
    const ending = await endingOf(() => act(world.with({ store })));
    const aftermath = { met: true, ending, look: async () => world.fork(), next: world.with({ store }) };
    return judge(set, allowedOf(set), aftermath, 1);
  }

  const sound = (world: World): ObjectStore => world.store;
  const altered = (world: World, change: Partial<ObjectStore>): ObjectStore => alteredStore(world.store, change);

  test("nothing for a sound store", async () => {
    expect(await verdictOn(sound)).toEqual({ state: "new", lost: null, stuck: null, silent: null });
  });

  test("a store that forgets an acknowledged write: silent", async () => {
    const forgetful = (world: World) => altered(world, { replace: async () => "written" });
    const verdict = await verdictOn(forgetful);
    expect(verdict).toMatchObject({ state: "old", silent: "it said that it was done, and nothing has changed" });
    expect(verdict.stuck).not.toBeNull();
  });

  test("a store that corrupts its writes: lost", async () => {
    const spoiling = (world: World) =>
      altered(world, {
        create: (key, bytes) => world.store.create(key, key.startsWith("v=") ? bytes.slice(1) : bytes),
      });
    const verdict = await verdictOn(spoiling);
    expect(verdict.state).toBeNull();
    expect(verdict.lost).toContain("BundleCorruptError");
  });

  test("a store that loses an older row: lost", async () => {
    const losing = (world: World) =>
      altered(world, {
        replace: (key, bytes, version) => {
          world.store.bucket.delete(auditKey(1));
          return world.store.replace(key, bytes, version);
        },
      });
    expect((await verdictOn(losing)).lost).toContain("AuditBrokenError");
  });

  test("a store that refuses the second swap: stuck", async () => {
    let swaps = 0;
    const seized = (world: World) =>
      altered(world, {
        replace: async (key, bytes, version) => {
          if (swaps++ > 0) throw new AccessDeniedError("injected: seized");
          return world.store.replace(key, bytes, version);
        },
      });
    expect(await verdictOn(seized)).toMatchObject({
      state: "new",
      lost: null,
      stuck: expect.stringContaining("AccessDeniedError: injected: seized"),
    });
  });

  test("a command that reports a refusal although it committed: silent", async () => {
    const lying = async (machine: Parameters<Operation["act"]>[0]): Promise<Committed | null> => {
      await set.act(machine);
      throw new AccessDeniedError("injected: 403");
    };
    expect((await verdictOn(sound, lying)).silent).toContain("it said that it was refused, and has committed");
  });

  test("a command that does not mention its outstanding row: silent", async () => {
    const quiet = async (machine: Parameters<Operation["act"]>[0]): Promise<Committed | null> => {
      const { committed } = await machine.set({ C: "3" });
      await machine.store.delete(auditKey(2));
      return committed;
    };
    expect((await verdictOn(sound, quiet)).silent).toBe("it did not say that a row is outstanding");
  });

  test("an undocumented error: silent", async () => {
    const verdict = await verdictOn(sound, () => Promise.reject(new TypeError("undefined is not a function")));
    expect(verdict).toMatchObject({ state: "old", silent: "TypeError: undefined is not a function" });
  });

  test("a manifest that does not open: lost", async () => {
    const garbage = (world: World) =>
      altered(world, {
        replace: (key, _bytes, version) => world.store.replace(key, new TextEncoder().encode(MANIFEST_KEY), version),
      });
    expect((await verdictOn(garbage)).lost).toContain("NotAuthenticError");
  });
});

test("the saved results have at least 2 000 faults on all levels, none of them lost, stuck or silent", () => {
  const kept = new URL("campaign/results.json", import.meta.url);
  const { rows } = JSON.parse(readFileSync(kept, "utf8")) as Results;
  expect(sumOf(rows, "injected")).toBeGreaterThanOrEqual(2000);
  expect(new Set(rows.map(({ level }) => level))).toEqual(new Set(Object.keys(LEVELS)));
  for (const count of ["lost", "stuck", "silent"] as const) expect(sumOf(rows, count)).toBe(0);
  expect(sumOf(rows, "old") + sumOf(rows, "new")).toBe(sumOf(rows, "injected"));
});
