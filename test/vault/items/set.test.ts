import { beforeEach, describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import type { Changes } from "../../../src/vault/items/changes.ts";
import { proposeSetOrFirstPush } from "../../../src/vault/items/set.ts";
import { holding } from "../../support/passphrases.ts";
import { ACTOR, ENV, OLD, rejection, secretItems, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

test("a set leaves all others alone, and an unset removes only what it names", async () => {
  const { plan } = await world.set({ B: "9", C: "3" });
  expect(plan).toEqual({ added: ["C"], changed: ["B"], removed: [], unchanged: ["A"] });
  const unset = await world.unset(["A", "B"]);
  expect(unset.plan).toEqual({ added: [], changed: [], removed: ["A", "B"], unchanged: ["C"] });
  expect(unset.committed?.manifest).toMatchObject({ gen: 3, action: "unset" });
  expect(await world.secrets()).toEqual({ C: "3" });
});

test("a set that is declined, or changes nothing, writes nothing", async () => {
  const before = world.objects();
  const asked: Changes[] = [];
  expect((await world.set({ B: "9" }, { confirm: (plan) => asked.push(plan) < 0 })).committed).toBeNull();
  expect(asked).toEqual([{ added: [], changed: ["B"], removed: [], unchanged: ["A"] }]);
  expect((await world.set({ B: "2" })).committed).toBeNull();
  expect(world.objects()).toEqual(before);
});

test("an unset of an unknown name removes nothing; the caller may word the refusal", async () => {
  expect(await rejection(world.unset(["A", "nope"]))).toMatchObject({
    name: "InputError",
    message: 'the vault has no "nope"',
    hint: "`vsync list` shows the names",
  });
  const refused = new InputError("did you mean B", { hint: "say so" });
  const asked: [string, string[]][] = [];
  const toError = (name: string, items: readonly { readonly name: string }[]) => {
    asked.push([name, items.map((item) => item.name)]);
    return refused;
  };
  expect(await rejection(world.unset(["A", "b"], { toError }))).toBe(refused);
  expect(asked).toEqual([["b", ["A", "B"]]]);
  expect(await world.secrets()).toEqual({ A: "1", B: "2" });
});

describe("a set where nothing was pushed yet", () => {
  const propose = async (on: World) => {
    const { identity } = on;
    using holder = holding(OLD, identity);
    const request = { holder, expect: { env: ENV }, annotation: { actor: ACTOR }, identity };
    return await proposeSetOrFirstPush(on, { ...request, items: secretItems({ C: "3" }) });
  };

  test("is the first push; after that it is a set, and its faults are its own", async () => {
    const empty = await World.empty();
    using first = await propose(empty);
    expect(first.plan).toMatchObject({ gen: 0, changes: { added: ["C"] } });
    using later = await propose(world);
    expect(later.plan).toMatchObject({ gen: 1, changes: { added: ["C"], removed: [], unchanged: ["A", "B"] } });
    world.failing({
      before() {
        world.failing({});
        throw new Error("the store is down");
      },
    });
    expect(await rejection(propose(world))).toMatchObject({ message: "the store is down" });
  });

  test("removes nothing that somebody else pushed at that moment", async () => {
    const pushedMeanwhile = async (secrets: Record<string, string>) => {
      const machine = await World.empty();
      const peer = machine.peer();
      machine.failing({
        async after() {
          machine.failing({});
          await peer.push(secrets);
        },
      });
      return machine;
    };
    expect(await rejection(propose(await pushedMeanwhile({ B: "2" })))).toMatchObject({
      name: "ConflictError",
      message: "somebody else pushed first; nothing was written",
    });
    using same = await propose(await pushedMeanwhile({ C: "1" }));
    expect(same.plan.changes).toMatchObject({ changed: ["C"], removed: [] });
  });
});
