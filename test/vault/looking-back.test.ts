import { beforeAll, describe, expect, test } from "vitest";
import { AuditBrokenError, InputError, S3UnreachableError, WrongPassphraseError } from "../../src/errors.ts";
import type { OlderHolder } from "../../src/vault/audit/older-generation.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { holding } from "../support/passphrases.ts";
import { ACTOR, HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

/** Generations 1 and 2 (OLD), 3 (rotation to NEW), 4 (NEW), an hour apart. */
let world: World;
beforeAll(async () => {
  world = await World.pushed({ A: "1", B: "1" });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "2", C: "2" }, { note: "why" });
  world.clock.ms += HOUR_MS;
  await world.rotate(OLD, NEW);
  world.clock.ms += HOUR_MS;
  await world.push({ A: "2", C: "4" }, { by: NEW });
});

const rowGens = async (of: World, tail?: number) => (await of.audit({ by: NEW, tail })).rows.map(({ gen }) => gen);

describe("the audit log", () => {
  test("is read oldest first, all of it or the newest", async () => {
    expect(await rowGens(world)).toEqual([1, 2, 3, 4]);
    expect(await rowGens(world, 1)).toEqual([4]);
    expect(await rowGens(world, 3)).toEqual([2, 3, 4]);
    expect(await rowGens(world, 4)).toEqual([1, 2, 3, 4]);
    expect(await rowGens(world, 9)).toEqual([1, 2, 3, 4]);
  });

  test("of the newest rows alone is verified no further down, and not at all for who cannot open the vault", async () => {
    const fork = world.fork();
    fork.store.bucket.delete(auditKey(2));
    expect(await rowGens(fork, 2)).toEqual([3, 4]);
    expect(await rejection(fork.audit({ by: NEW, tail: 3 }))).toBeInstanceOf(AuditBrokenError);
    expect(await rejection(fork.audit())).toBeInstanceOf(WrongPassphraseError);
  });

  test("says which row is outstanding", async () => {
    const fork = world.fork();
    expect(await fork.audit({ by: NEW })).toMatchObject({ outstanding: null, manifest: { gen: 4 } });
    fork.store.bucket.delete(auditKey(4));
    expect(await fork.audit({ by: NEW })).toMatchObject({ outstanding: 4, rows: { length: 3 } });
  });
});

describe("the history", () => {
  const historyOf = async (of: World, tail?: number) => (await of.history({ by: NEW, tail })).generations;

  test("tells each generation as its row does, and which bundles are there", async () => {
    const generations = await historyOf(world);
    const { size } = (await world.open(NEW)).manifest.bundle;
    expect(generations.map(({ gen, action, note, bundle }) => [gen, action, note, bundle])).toEqual([
      [1, "push", null, "kept"],
      [2, "push", "why", "kept"],
      [3, "rotate", null, "kept"],
      [4, "push", null, "current"],
    ]);
    const at = "2026-01-01T03:00:00.000Z";
    const key = "v=20260101T030000000Z";
    expect(generations[3]).toEqual({
      gen: 4,
      at,
      action: "push",
      actor: ACTOR,
      note: null,
      key,
      size,
      bundle: "current",
    });
    expect((await historyOf(world, 2)).map(({ gen }) => gen)).toEqual([3, 4]);
  });

  test("says which bundles are gone, and tells the newest generation also while its row is outstanding", async () => {
    const fork = world.fork();
    fork.store.bucket.delete("v=20260101T000000000Z");
    fork.store.bucket.delete(auditKey(4));
    expect((await historyOf(fork)).map(({ gen, bundle }) => [gen, bundle])).toEqual([
      [1, "gone"],
      [2, "kept"],
      [3, "kept"],
      [4, "current"],
    ]);
  });
});

describe("the difference of two generations", () => {
  const then = holding(OLD);
  const diff = (fromGen: number, toGen: number | undefined, oldPassphrase: OlderHolder, of = world) =>
    of.diff(fromGen, toGen, { by: NEW, oldPassphrase });

  test.each([
    [1, 2, { added: ["C"], changed: ["A"], removed: ["B"], unchanged: [] }],
    [2, 1, { added: ["B"], changed: ["A"], removed: ["C"], unchanged: [] }],
    [2, 2, { added: [], changed: [], removed: [], unchanged: ["A", "C"] }],
  ])("from %i to %i", async (fromGen, toGen, changes) => {
    expect(await diff(fromGen, toGen, then)).toMatchObject({ toGen, changes, manifest: { gen: 4 } });
  });

  test("goes to the newest where no other is named", async () => {
    const today = holding(NEW);
    expect(await diff(3, undefined, today)).toMatchObject({ toGen: 4, changes: { changed: ["C"], unchanged: ["A"] } });
  });

  test("goes to the newest also while its row is outstanding: the manifest tells of its bundle", async () => {
    const fork = world.fork();
    fork.store.bucket.delete(auditKey(4));
    expect(await diff(3, 4, holding(NEW), fork)).toMatchObject({ toGen: 4, changes: { changed: ["C"] } });
  });

  test("asks for the passphrase of a time only where today's does not open it", async () => {
    const asked: number[] = [];
    const ask = async (gen: number) => {
      asked.push(gen);
      return then;
    };
    expect(await diff(3, 4, ask)).toMatchObject({ changes: { changed: ["C"] } });
    expect(asked).toEqual([]);
    expect(await diff(2, 4, ask)).toMatchObject({ changes: { changed: ["C"] } });
    expect(asked).toEqual([2]);
  });

  test("ends with the first refusal where nobody gives it", async () => {
    const error = await rejection(diff(1, 4, async () => null));
    expect(error).toMatchObject({
      name: "WrongPassphraseError",
      message: "wrong passphrase for generation 1",
      hint: "give the passphrase that was in use then, with --then-passphrase-file or at the prompt",
    });
    expect(await rejection(diff(1, 4, async () => holding("wrong")))).toBeInstanceOf(WrongPassphraseError);
  });

  test("asks for no passphrase where the generation is not there, or the store fails", async () => {
    const ask = async () => expect.unreachable("was asked");
    expect(await rejection(diff(9, 4, ask))).toMatchObject({
      name: "InputError",
      message: "there is no generation 9: the vault has 1…4",
      hint: "`vsync history` lists them",
    });
    expect(await rejection(diff(4, 0, ask))).toBeInstanceOf(InputError);
    const failed = new S3UnreachableError("injected");
    const fork = world.fork();
    fork.store.faults = {
      before({ key }) {
        if (key === "v=20260101T000000000Z") throw failed;
      },
    };
    expect(await rejection(diff(1, 4, ask, fork))).toBe(failed);
    expect(fork.requests.filter((request) => request.endsWith("T000000000Z"))).toHaveLength(1);
  });
});
