import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { ConflictError, InputError, RollbackError, WrongPassphraseError } from "../../src/errors.ts";
import type { Changes, NamedData } from "../../src/vault/changes.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { ACTOR, committedBy, NEW, OLD, rejection, secretItems, World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

function seen(gen: number, of = world): World {
  return of.with({ identity: { ...of.identity, seenGen: gen } });
}

describe("the first push", () => {
  test("with another passphrase than init was given: nothing is written", async () => {
    const empty = await World.empty();
    const error = await rejection(empty.push({ A: "1" }, { by: NEW }));
    expect(error).toMatchObject({
      name: "WrongPassphraseError",
      message: "this is not the passphrase that was set at init",
      hint: "type it again, or set a new one with `vsync init --env=prod --reset`",
    });
    expect(empty.requests).toEqual(["get manifest"]);
  });

  test("is none where this machine has seen a generation: the manifest was taken away", async () => {
    world.store.bucket.delete(MANIFEST_KEY);
    const { bucket } = world.fork().store;
    const error = await rejection(seen(1).push({ A: "2" }));
    expect(error).toBeInstanceOf(RollbackError);
    expect((error as RollbackError).message).toBe("the manifest is gone; this machine has seen generation 1");
    expect(world.store.bucket).toEqual(bucket);
  });

  test("makes a vault of no items too, and one that a declined push has not made", async () => {
    const empty = await World.empty();
    expect(await empty.push({}, { confirm: async () => false })).toMatchObject({ committed: null });
    expect(empty.store.bucket.size).toBe(0);
    expect(committedBy(await empty.push({}))).toMatchObject({ manifest: { gen: 1, prev_gen: 0 } });
    expect(await empty.secrets()).toEqual({});
  });

  test("is of the vault, repo and env of the config", async () => {
    const { vault, repo, env } = world.identity;
    expect((await world.open()).manifest).toMatchObject({ vault, repo, env, actor: ACTOR, gen: 1, prev_gen: 0 });
  });
});

describe("a later push", () => {
  test("of a machine that has seen a newer generation: the store was rolled back", async () => {
    const before = world.fork();
    await world.push({ A: "2" });
    expect(await rejection(seen(2, before).push({ A: "3" }))).toBeInstanceOf(RollbackError);
    await seen(2).push({ A: "3" });
  });

  test("of a machine that ran init by itself: a conflict, told before the passphrase is", async () => {
    const stranger = world.with({ identity: (await World.empty("another machine")).identity });
    for (const passphrase of [OLD, "its own passphrase"]) {
      const error = await rejection(stranger.push({ A: "2" }, { by: passphrase }));
      expect(error).toBeInstanceOf(ConflictError);
      expect((error as ConflictError).hint).toBe("run `vsync init --env=prod` again to join it");
    }
  });

  test("of a machine that has seen its vault and finds another there: not authentic", async () => {
    const stranger = seen(1, world.with({ identity: (await World.empty("another machine")).identity }));
    expect(await rejection(stranger.push({ A: "2" }))).toMatchObject({ name: "NotAuthenticError" });
  });

  test("with a config from before the rotation: the manifest is the authority", async () => {
    await world.rotate(OLD, NEW);
    await seen(1).push({ A: "3" }, { by: NEW });
    expect(await world.secrets(NEW)).toEqual({ A: "3" });
    const error = await rejection(seen(1).push({ A: "4" }));
    expect(error).toMatchObject({
      name: "WrongPassphraseError",
      message: "wrong passphrase for api/prod",
    });
  });
});

test("nothing takes the place of something only where that is meant", async () => {
  const { bucket } = world.fork().store;
  expect(await rejection(world.push({}))).toMatchObject({
    message: "there is nothing to push, and the vault holds 2 names",
    hint: "check what was to be pushed; if the vault is really to be emptied, push with --allow-empty",
  });
  for (const passphrase of [OLD, "wrong"]) {
    const error = await rejection(world.push({}, { by: passphrase }));
    expect(error).toBeInstanceOf(passphrase === OLD ? InputError : WrongPassphraseError);
  }
  expect(world.store.bucket).toEqual(bucket);
  await world.push({}, { mayEmpty: true });
  expect(await world.secrets()).toEqual({});
  expect(await world.push({})).toMatchObject({ committed: null });
});

describe("what changes", () => {
  const file = (data: string, mode?: number): NamedData => ({
    name: "f",
    kind: "file",
    ...(mode === undefined ? {} : { mode }),
    data: Secret.ofText(data),
  });

  async function changes(items: readonly NamedData[]): Promise<Changes> {
    return (await world.push(items)).plan;
  }

  test("is told by name, sorted", async () => {
    expect(await changes(secretItems({ Z: "", C: "3", B: "2", A: "9" }))).toEqual({
      added: ["C", "Z"],
      changed: ["A"],
      removed: [],
      unchanged: ["B"],
    });
    expect(await changes(secretItems({ C: "3" }))).toEqual({
      added: [],
      changed: [],
      removed: ["A", "B", "Z"],
      unchanged: ["C"],
    });
  });

  test("data, kind and mode each count", async () => {
    const steps = [file("x", 0o600), file("x", 0o640), file("x"), file("y")];
    const told: string[][] = [];
    for (const step of steps) told.push([...(await changes([step])).changed]);
    expect(told).toEqual([[], ["f"], ["f"], ["f"]]);
    expect((await changes([{ ...file("y"), kind: "secret" }])).changed).toEqual(["f"]);
    expect((await world.push([{ ...file("y"), kind: "secret" }])).committed).toBeNull();
  });

  test("a set leaves all others alone, and an unset removes what it names and no more", async () => {
    const set = await world.set({ B: "9", C: "3" });
    expect(set.plan).toEqual({ added: ["C"], changed: ["B"], removed: [], unchanged: ["A"] });
    const unset = await world.unset(["A", "B"]);
    expect(unset.plan).toEqual({ added: [], changed: [], removed: ["A", "B"], unchanged: ["C"] });
    expect(await world.secrets()).toEqual({ C: "3" });
    expect(unset.committed?.manifest).toMatchObject({ gen: 3, action: "unset" });
  });

  test("an unset's refusal may be the caller's own, who knows the names", async () => {
    const refused = new InputError("did you mean B", { hint: "say so" });
    const asked: [string, string[]][] = [];
    const unset = world.unset(["A", "b"], {
      toError: (name, items) => {
        asked.push([name, items.map((item) => item.name)]);
        return refused;
      },
    });
    expect(await rejection(unset)).toBe(refused);
    expect(asked).toEqual([["b", ["A", "B"]]]);
  });

  test("a set that is declined writes nothing", async () => {
    const { bucket } = world.fork().store;
    const asked: Changes[] = [];
    const confirm = async (told: Changes) => {
      asked.push(told);
      return false;
    };
    const declined = await world.set({ B: "9" }, { confirm });
    expect(declined).toEqual({ plan: asked[0], committed: null });
    expect(asked).toEqual([{ added: [], changed: ["B"], removed: [], unchanged: ["A"] }]);
    const same = await world.set({ B: "2" }, { confirm });
    expect(same.committed).toBeNull();
    expect(world.store.bucket).toEqual(bucket);
  });

  test.each<[string, readonly NamedData[], string]>([
    ["a name twice", [file("x"), file("y")], 'the name "f" appears twice'],
    [
      "a name that is none",
      [{ ...file("x"), name: "../x" }],
      'file "../x" has a name that must not have a segment . or ..',
    ],
  ])("%s is refused, with the next step", async (_name, items, message) => {
    expect(await rejection(world.push(items))).toMatchObject({
      name: "InputError",
      message,
      hint: "rename it or leave it out, also where a file has the name of a secret",
    });
  });

  test("a mode that is given for a secret is not kept: only files have one", async () => {
    const items: NamedData[] = [{ name: "S", kind: "secret", mode: 0o600, data: Secret.ofText("x") }];
    await world.push(items);
    expect((await world.open()).bundle.items[0]).not.toHaveProperty("mode");
  });

  test("note and meta go into the row as they are", async () => {
    const annotation = { note: "why", meta: { ticket: "OPS-1", nested: [{ a: null }] } };
    await world.set({ C: "3" }, annotation);
    await world.push({ A: "1" }, annotation);
    const { rows } = await world.verify((await world.open()).manifest);
    for (const row of rows.slice(0, 2)) expect(row).toMatchObject({ note: "why", meta: annotation.meta });
    expect(rows[2]).not.toHaveProperty("note");
    expect(rows[2]?.meta).toEqual({});
  });

  test("an unset of one name that is there and one that is not removes neither", async () => {
    const error = await rejection(world.unset(["A", "nope"]));
    expect(error).toMatchObject({
      name: "InputError",
      message: 'the vault has no "nope"',
      hint: "`vsync list` shows the names",
    });
    expect(await world.secrets()).toEqual({ A: "1", B: "2" });
  });
});
