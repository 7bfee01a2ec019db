import { beforeEach, describe, expect, test } from "vitest";
import { ConflictError, InputError, RollbackError, WrongPassphraseError } from "../../../src/errors.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { ACTOR, committedBy, NEW, OLD, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

/** A machine that has seen generation `gen`. */
const seen = (gen: number, of = world): World => of.with({ identity: { ...of.identity, seenGen: gen } });
const strange = async () => world.with({ identity: (await World.empty("another machine")).identity });

describe("the first push", () => {
  test("creates the vault that the config names, without items only if that is meant", async () => {
    const { vault, repo, env } = world.identity;
    expect(await world.manifest()).toMatchObject({ vault, repo, env, actor: ACTOR, gen: 1, prev_gen: 0 });
    const empty = await World.empty();
    expect((await empty.push({}, { mayEmpty: true, confirm: () => false })).committed).toBeNull();
    expect(empty.store.bucket.size).toBe(0);
    expect(await rejection(empty.push({}))).toMatchObject({
      name: "InputError",
      message: "there is nothing to push",
      hint: "check the input; to start with an empty vault, push with --allow-empty",
    });
    expect(committedBy(await empty.push({}, { mayEmpty: true })).manifest).toMatchObject({ gen: 1, prev_gen: 0 });
    expect(await empty.secrets()).toEqual({});
  });

  test("with another passphrase than init was given writes nothing", async () => {
    const empty = await World.empty();
    expect(await rejection(empty.push({ A: "1" }, { by: NEW }))).toMatchObject({
      name: "WrongPassphraseError",
      message: "this is not the passphrase that was set at init",
      hint: "type it again, or set a new one with `vsync init --env=prod --reset`",
    });
    expect(empty.requests).toEqual(["get manifest"]);
  });

  test("is refused on a machine that has seen a generation: somebody removed the manifest", async () => {
    const before = world.tamper(MANIFEST_KEY, null).objects();
    expect(await rejection(seen(1).push({ A: "2" }))).toMatchObject({
      name: "RollbackError",
      message: "the manifest is gone; this machine has seen generation 1",
    });
    expect(world.objects()).toEqual(before);
  });
});

describe("a later push", () => {
  test("to an older generation than this machine has seen is refused", async () => {
    const before = world.fork();
    await world.push({ A: "2" });
    expect(await rejection(seen(2, before).push({ A: "3" }))).toBeInstanceOf(RollbackError);
    await seen(2).push({ A: "3" });
  });

  test("from a machine that ran init by itself is a conflict, found before the passphrase is tried", async () => {
    for (const by of [OLD, "its own passphrase"]) {
      const error = await rejection((await strange()).push({ A: "2" }, { by }));
      expect(error).toBeInstanceOf(ConflictError);
      expect(error).toMatchObject({
        message: "another vault was pushed here since this machine ran init",
        hint: "run `vsync init --env=prod` again to join it",
      });
    }
  });

  test("from a machine that has seen another vault here is not authentic", async () => {
    expect(await rejection(seen(1, await strange()).push({ A: "2" }))).toMatchObject({ name: "NotAuthenticError" });
  });

  test("asks what the holders of this machine have seen, in place of one generation", async () => {
    const verify = () => Promise.reject(new RollbackError("the last generation here was another"));
    const history = { newest: 1, verify };
    const remembering = (of: World) => of.with({ identity: { ...of.identity, seenGen: 1, history } });
    expect(await rejection(remembering(world).push({ A: "2" }))).toMatchObject({
      message: "the last generation here was another",
    });
    expect(await rejection(remembering(await strange()).push({ A: "2" }))).toMatchObject({ name: "NotAuthenticError" });
  });

  test("with a config from before a rotation follows the manifest", async () => {
    await world.rotate(OLD, NEW);
    await seen(1).push({ A: "3" }, { by: NEW });
    expect(await world.secrets(NEW)).toEqual({ A: "3" });
    expect(await rejection(seen(1).push({ A: "4" }))).toBeInstanceOf(WrongPassphraseError);
  });

  test("of no items empties the vault only if that is meant", async () => {
    const before = world.objects();
    const error = await rejection(world.push({}));
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({
      message: "there is nothing to push, and the vault holds 2 names",
      hint: "check the input; to really empty the vault, push with --allow-empty",
    });
    expect(await rejection(world.push({}, { by: "wrong" }))).toBeInstanceOf(WrongPassphraseError);
    expect(world.objects()).toEqual(before);
    await world.push({}, { mayEmpty: true });
    expect(await world.secrets()).toEqual({});
    expect((await world.push({})).committed).toBeNull();
  });
});
