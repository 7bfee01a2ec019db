import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { ConflictError, InputError, RollbackError, WrongPassphraseError } from "../../src/errors.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import type { Changes, NamedData } from "../../src/vault/changes.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { setItems, unsetItems } from "../../src/vault/set.ts";
import {
  ACTOR,
  amendRequest,
  committedBy,
  emptyWorld,
  forkOf,
  NEW,
  OLD,
  open,
  push,
  pushedWorld,
  rejection,
  requestsOf,
  rotate,
  secretItems,
  secretsIn,
  type World,
} from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await pushedWorld({ A: "1", B: "2" });
});

function seen(gen: number, of = world): World {
  return { ...of, identity: { ...of.identity, seenGen: gen } };
}

describe("the first push", () => {
  test("with another passphrase than init was given: nothing is written", async () => {
    const empty = await emptyWorld();
    const error = await rejection(push(empty, NEW, { A: "1" }));
    expect(error).toMatchObject({
      name: "WrongPassphraseError",
      message: "this is not the passphrase that was set at init",
      hint: "type it again, or set a new one with `vsync init --env=prod --reset`",
    });
    expect(requestsOf(empty.store)).toEqual(["get manifest"]);
  });

  test("is none where this machine has seen a generation: the manifest was taken away", async () => {
    world.store.bucket.delete(MANIFEST_KEY);
    const { bucket } = forkOf(world).store;
    const error = await rejection(push(seen(1), OLD, { A: "2" }));
    expect(error).toBeInstanceOf(RollbackError);
    expect((error as RollbackError).message).toBe("the manifest is gone; this machine has seen generation 1");
    expect(world.store.bucket).toEqual(bucket);
  });

  test("makes a vault of no items too, and one that a declined push has not made", async () => {
    const empty = await emptyWorld();
    expect(await push(empty, OLD, {}, { confirm: async () => false })).toMatchObject({ kind: "declined", gen: 0 });
    expect(empty.store.bucket.size).toBe(0);
    expect(committedBy(await push(empty, OLD, {}))).toMatchObject({ manifest: { gen: 1, prev_gen: 0 } });
    expect(await secretsIn(empty, OLD)).toEqual({});
  });

  test("is of the vault, repo and env of the config", async () => {
    const { vault, repo, env } = world.identity;
    expect((await open(world, OLD)).manifest).toMatchObject({ vault, repo, env, actor: ACTOR, gen: 1, prev_gen: 0 });
  });
});

describe("a later push", () => {
  test("of a machine that has seen a newer generation: the store was rolled back", async () => {
    const before = forkOf(world);
    await push(world, OLD, { A: "2" });
    expect(await rejection(push(seen(2, before), OLD, { A: "3" }))).toBeInstanceOf(RollbackError);
    await push(seen(2), OLD, { A: "3" });
  });

  test("of a machine that ran init by itself: a conflict, told before the passphrase is", async () => {
    const stranger = { ...world, identity: (await emptyWorld("another machine")).identity };
    for (const passphrase of [OLD, "its own passphrase"]) {
      const error = await rejection(push(stranger, passphrase, { A: "2" }));
      expect(error).toBeInstanceOf(ConflictError);
      expect((error as ConflictError).hint).toBe("run `vsync init --env=prod` again to join it");
    }
  });

  test("of a machine that has seen its vault and finds another there: not authentic", async () => {
    const stranger = seen(1, { ...world, identity: (await emptyWorld("another machine")).identity });
    expect(await rejection(push(stranger, OLD, { A: "2" }))).toMatchObject({ name: "NotAuthenticError" });
  });

  test("with a config from before the rotation: the manifest is the authority", async () => {
    await rotate(world, OLD, NEW);
    await push(seen(1), NEW, { A: "3" });
    expect(await secretsIn(world, NEW)).toEqual({ A: "3" });
    const error = await rejection(push(seen(1), OLD, { A: "4" }));
    expect(error).toMatchObject({
      name: "WrongPassphraseError",
      message: "the passphrase opens no slot of this vault",
    });
  });
});

test("nothing takes the place of something only where that is meant", async () => {
  const { bucket } = forkOf(world).store;
  expect(await rejection(push(world, OLD, {}))).toMatchObject({
    message: "there is nothing to push, and the vault holds 2 names",
    hint: "check what was to be pushed; if the vault is really to be emptied, push with --allow-empty",
  });
  for (const passphrase of [OLD, "wrong"]) {
    const error = await rejection(push(world, passphrase, {}));
    expect(error).toBeInstanceOf(passphrase === OLD ? InputError : WrongPassphraseError);
  }
  expect(world.store.bucket).toEqual(bucket);
  await push(world, OLD, {}, { mayEmpty: true });
  expect(await secretsIn(world, OLD)).toEqual({});
  expect(await push(world, OLD, {})).toMatchObject({ kind: "unchanged", gen: 2 });
});

describe("what changes", () => {
  const file = (data: string, mode?: number): NamedData => ({
    name: "f",
    kind: "file",
    ...(mode === undefined ? {} : { mode }),
    data: Secret.ofText(data),
  });

  async function changes(items: readonly NamedData[]): Promise<Changes> {
    return (await push(world, OLD, {}, { items })).changes;
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
    expect((await push(world, OLD, {}, { items: [{ ...file("y"), kind: "secret" }] })).kind).toBe("unchanged");
  });

  test("keeps the ids of the names that stay, and no other", async () => {
    const idOf = async (name: string) => (await open(world, OLD)).bundle.items.find((item) => item.name === name)?.id;
    const before = [await idOf("A"), await idOf("B")];
    await push(world, OLD, { B: "changed", C: "3", A: "1" });
    expect([await idOf("A"), await idOf("B")]).toEqual(before);
    await setItems(world, amendRequest(OLD), secretItems({ B: "again" }));
    expect([await idOf("A"), await idOf("B")]).toEqual(before);
    await unsetItems(world, amendRequest(OLD), ["B"]);
    await setItems(world, amendRequest(OLD), secretItems({ B: "2" }));
    expect(await idOf("B")).not.toBe(before[1]);
    expect(new Set([await idOf("A"), await idOf("B"), await idOf("C")]).size).toBe(3);
  });

  test("a set leaves all others alone, and an unset removes what it names and no more", async () => {
    const set = await setItems(world, amendRequest(OLD), secretItems({ B: "9", C: "3" }));
    expect(set.changes).toEqual({ added: ["C"], changed: ["B"], removed: [], unchanged: ["A"] });
    const unset = await unsetItems(world, amendRequest(OLD), ["A", "B"]);
    expect(unset.changes).toEqual({ added: [], changed: [], removed: ["A", "B"], unchanged: ["C"] });
    expect(await secretsIn(world, OLD)).toEqual({ C: "3" });
    expect(unset.committed?.manifest).toMatchObject({ gen: 3, action: "unset" });
  });

  test("an unset's refusal may be the caller's own, who knows the names", async () => {
    const refused = new InputError("did you mean B", { hint: "say so" });
    const asked: [string, string[]][] = [];
    const unset = unsetItems(world, amendRequest(OLD), ["A", "b"], (name, items) => {
      asked.push([name, items.map((item) => item.name)]);
      return refused;
    });
    expect(await rejection(unset)).toBe(refused);
    expect(asked).toEqual([["b", ["A", "B"]]]);
  });

  test("a set that is declined writes nothing, and tells the generation that stands", async () => {
    const { bucket } = forkOf(world).store;
    const asked: Changes[] = [];
    const confirm = async (told: Changes) => {
      asked.push(told);
      return false;
    };
    const declined = await setItems(world, amendRequest(OLD), secretItems({ B: "9" }), confirm);
    expect(declined).toEqual({ changes: asked[0], committed: null, gen: 1 });
    expect(asked).toEqual([{ added: [], changed: ["B"], removed: [], unchanged: ["A"] }]);
    const same = await setItems(world, amendRequest(OLD), secretItems({ B: "2" }), confirm);
    expect([same.committed, same.gen, asked.length]).toEqual([null, 1, 1]);
    expect(world.store.bucket).toEqual(bucket);
    expect((await setItems(world, amendRequest(OLD), secretItems({ B: "9" }))).gen).toBe(2);
  });

  test.each<[string, readonly NamedData[], string]>([
    ["a name twice", [file("x"), file("y")], 'the name "f" appears twice'],
    [
      "a name that is none",
      [{ ...file("x"), name: "../x" }],
      'file "../x" has a name that must not have a segment . or ..',
    ],
  ])("%s is refused, with the next step", async (_name, items, message) => {
    expect(await rejection(push(world, OLD, {}, { items }))).toMatchObject({
      name: "InputError",
      message,
      hint: "rename it or leave it out, also where a file has the name of a secret",
    });
  });

  test("a mode that is given for a secret is not kept: only files have one", async () => {
    const items: NamedData[] = [{ name: "S", kind: "secret", mode: 0o600, data: Secret.ofText("x") }];
    await push(world, OLD, {}, { items });
    expect((await open(world, OLD)).bundle.items[0]).not.toHaveProperty("mode");
  });

  test("note and meta go into the row as they are", async () => {
    const annotation = { actor: ACTOR, note: "why", meta: { ticket: "OPS-1", nested: [{ a: null }] } };
    await setItems(world, { ...amendRequest(OLD), annotation }, secretItems({ C: "3" }));
    await push(world, OLD, { A: "1" }, { annotation });
    const { rows } = await verifyAudit(world.store, (await open(world, OLD)).manifest);
    for (const row of rows.slice(0, 2)) expect(row).toMatchObject({ note: "why", meta: annotation.meta });
    expect(rows[2]).not.toHaveProperty("note");
    expect(rows[2]?.meta).toEqual({});
  });

  test("an unset of one name that is there and one that is not removes neither", async () => {
    const error = await rejection(unsetItems(world, amendRequest(OLD), ["A", "nope"]));
    expect(error).toMatchObject({
      name: "InputError",
      message: 'the vault has no "nope"',
      hint: "`vsync list` shows the names",
    });
    expect(await secretsIn(world, OLD)).toEqual({ A: "1", B: "2" });
  });
});
