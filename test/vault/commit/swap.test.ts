import { beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../../src/errors.ts";
import { type CommitStep, tellingTheSwap } from "../../../src/vault/commit/proposal.ts";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { committedBy, HOUR_MS, NEW, OLD, rejection, takeAll, World } from "../../support/world.ts";

const STALE = "stale object at v=20260101T000000001Z is harmless (manifest never named it)";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

type Act = (peer: World) => Promise<unknown>;
const setOne =
  (by: string, name = "X"): Act =>
  (peer) =>
    peer.set({ [name]: "1" }, { by });
const setTwo: Act = async (peer) => {
  await setOne(OLD)(peer);
  await setOne(OLD, "Y")(peer);
};

/** The swap is applied and its answer lost. `then` happens before the store looks again, so it reports a conflict. */
function overtaken(of: World, then: Act): World {
  return of.peer().failing({
    async after({ key, bytes }) {
      if (key !== MANIFEST_KEY || bytes === undefined) return;
      await then(of.peer());
      throw new ConflictError("injected: other bytes are there");
    },
  });
}

/** `then` happens between opening and swapping. */
function tooLate(of: World, then: Act): World {
  return of.peer().failing({
    async before({ key, bytes }) {
      if (key === MANIFEST_KEY && bytes !== undefined) await then(of.peer());
    },
  });
}

async function expectWholeChain(by: string, of = world): Promise<void> {
  const { manifest, rows, outstanding } = await of.audit({ by });
  expect([rows.length, outstanding]).toEqual([manifest.gen, null]);
}

describe("a swap whose answer was lost is a success if other commits stand on it", () => {
  test.each<[string, Act, number]>([
    ["a set", setOne(OLD), 3],
    ["two sets", setTwo, 4],
    ["a rotation", (peer) => peer.rotate(OLD, NEW, { graceMs: HOUR_MS }), 3],
  ])("push, then %s", async (_name, then, gen) => {
    const committed = committedBy(await overtaken(world, then).push({ A: "2" }));
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 2 } });
    expect(await world.secrets()).toMatchObject({ A: "2" });
    expect((await world.manifest()).gen).toBe(gen);
    await expectWholeChain(gen === 3 && _name === "a rotation" ? NEW : OLD);
  });

  test("rotate or finish, then a set with the new passphrase", async () => {
    const { committed } = await overtaken(world, setOne(NEW)).rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 2, action: "rotate" } });
    const finished = await overtaken(world, setOne(NEW, "Y")).finish({ by: NEW });
    expect(finished.committed).toMatchObject({ auditFault: null, manifest: { gen: 4 } });
    expect(await world.secrets(NEW)).toEqual({ A: "1", X: "1", Y: "1" });
    await expectWholeChain(NEW);
  });

  test("the first push, then a set", async () => {
    const empty = await World.empty();
    const committed = committedBy(await overtaken(empty, setOne(OLD)).push({ A: "1" }));
    expect(committed).toMatchObject({ auditFault: null, manifest: { gen: 1 } });
    expect(await empty.secrets()).toEqual({ A: "1", X: "1" });
    await expectWholeChain(OLD, empty);
  });
});

describe("a swap that came after another commit is a conflict", () => {
  test.each<[string, Act, number]>([
    ["with its row", setOne(OLD), 2],
    ["with a second one on top", setTwo, 3],
    ["with its row outstanding", async (peer) => void (await setOne(OLD)(peer), peer.tamper(auditKey(2), null)), 2],
  ])("a set %s", async (_name, then, gen) => {
    const error = await rejection(tooLate(world, then).push({ A: "2" }));
    expect(error).toBeInstanceOf(ConflictError);
    expect((error as Error).message).toMatch(/^another writer committed generation 2 first; stale object at v=\S+ is/);
    expect(await world.secrets()).toMatchObject({ A: "1", X: "1" });
    expect((await world.manifest()).gen).toBe(gen);
  });

  test("another first push of the same config", async () => {
    const empty = await World.empty();
    const late = tooLate(empty, (peer) => peer.push({ B: "1" }));
    expect(await rejection(late.push({ A: "1" }))).toBeInstanceOf(ConflictError);
    expect(await empty.secrets()).toEqual({ B: "1" });
  });
});

test("a conflict that cannot be settled is an unknown outcome", async () => {
  const machine = overtaken(world, setOne(OLD));
  const { after } = machine.store.faults;
  let swapped = false;
  machine.failing({
    before() {
      if (swapped) throw new S3UnreachableError("injected: connection refused");
    },
    async after(request) {
      swapped ||= request.key === MANIFEST_KEY && request.bytes !== undefined;
      await after?.(request);
    },
  });
  const error = await rejection(machine.push({ A: "2" }));
  expect(error).toBeInstanceOf(OutcomeUnknownError);
  expect((error as Error).message).toMatch(/^generation 2 may or may not have been committed: /);
  expect(await world.secrets()).toEqual({ A: "2", X: "1" });
});

describe("a failed swap says whether it was applied, and which object is left", () => {
  const pushing = (failed: Error) =>
    world
      .failing({
        before({ operation, key }) {
          if (operation === "replace" && key === MANIFEST_KEY) throw failed;
        },
      })
      .push({ A: "2" });

  const own = { hint: "its own" };
  test.each([
    [new ConflictError("injected"), { message: `another writer committed generation 2 first; ${STALE}` }],
    [new OutcomeUnknownError("lost"), { message: "generation 2 may or may not have been committed: lost" }],
    [new AccessDeniedError("refused", own), { message: `refused; ${STALE}`, ...own }],
    [new S3UnreachableError("gone", own), { message: `gone; ${STALE}`, ...own }],
  ])("%s", async (failed, expected) => {
    expect(await rejection(pushing(failed))).toMatchObject({ name: failed.name, ...expected });
  });

  test("and passes a bug on", async () => {
    const failed = new TypeError("a bug");
    expect(await rejection(pushing(failed))).toBe(failed);
  });
});

describe("a failure before the swap is told from one at it", () => {
  /** In a grace window. */
  beforeEach(async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  });

  const commits: readonly [string, () => Promise<unknown>][] = [
    ["rotate", () => world.rotate(NEW, "a third passphrase")],
    ["finish", () => world.finish({ by: NEW })],
  ];

  /** Makes writes of matching keys fail. */
  function failing(isAt: (key: string) => boolean, failed: Error): void {
    world.failing({
      before({ bytes, key }) {
        if (bytes !== undefined && isAt(key)) throw failed;
      },
    });
  }

  const push = ["push", () => world.push({ A: "2" }, { by: NEW })] as const;

  describe.each([...commits, push])("%s, if the bundle cannot be written", (_name, commit) => {
    const atTheBundle = (key: string) => key.startsWith("v=");

    test.each([
      new AccessDeniedError("refused"),
      new S3UnreachableError("gone"),
      new ConflictError("taken"),
      new TypeError("a bug"),
    ])("passes on %s", async (failed) => {
      failing(atTheBundle, failed);
      expect(await rejection(commit())).toBe(failed);
    });

    test("takes a lost answer for a failed upload: no manifest names what was sent", async () => {
      failing(atTheBundle, new OutcomeUnknownError("no answer"));
      expect(await rejection(commit())).toMatchObject({
        name: "S3UnreachableError",
        message: "the new generation was not written: no answer",
        hint: "the vault is as it was: run the same command again",
      });
    });
  });

  describe.each(commits)("%s, if the manifest cannot be swapped", (_name, commit) => {
    const atTheSwap = (key: string) => key === MANIFEST_KEY;

    test.each([
      new AccessDeniedError("refused", { hint: "its own" }),
      new S3UnreachableError("gone", { hint: "its own" }),
    ])("says that the swap failed, with the next step of %s", async (failed) => {
      failing(atTheSwap, failed);
      expect(await rejection(commit())).toMatchObject({
        name: "ManifestSwapFailedError",
        message: `the manifest was not swapped: ${failed.message}; stale object at v=20260101T000000002Z is harmless (manifest never named it)`,
        hint: "its own",
      });
    });

    test("takes a lost answer for an unknown outcome, another writer for a conflict, and passes a bug on", async () => {
      failing(atTheSwap, new OutcomeUnknownError("no answer"));
      expect(await rejection(commit())).toMatchObject({
        name: "OutcomeUnknownError",
        message: "generation 3 may or may not have been committed: no answer",
      });
      failing(atTheSwap, new ConflictError("other bytes"));
      expect(await rejection(commit())).toMatchObject({ name: "ConflictError" });
      const failed = new TypeError("a bug");
      failing(atTheSwap, failed);
      expect(await rejection(commit())).toBe(failed);
    });
  });

  test("after the swap, no failure is called a failed swap", async () => {
    const failed = new AccessDeniedError("refused");
    async function* steps(): AsyncGenerator<CommitStep> {
      yield { kind: "bundle-created", manifest: {} as Manifest };
      yield { kind: "manifest-swapped" };
      throw failed;
    }
    expect(await rejection(takeAll(tellingTheSwap(steps())))).toBe(failed);
  });
});
