import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { VsyncError } from "../../../src/errors.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import { auditKey, BUNDLE_PREFIX } from "../../../src/vault/format/object-keys.ts";
import type { NamedData } from "../../../src/vault/items/changes.ts";
import { openRotation } from "../../../src/vault/rotate.ts";
import { holding } from "../../support/passphrases.ts";
import { ACTOR, COST, ENV, type Machine, NEW, OLD, rejection, takeAll, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

const SPENT = { name: "TypeError", message: "a proposal is committed once, and before its disposal" };
const REQUEST = { expect: { env: ENV }, annotation: { actor: ACTOR } };
const pushing = () => world.proposePush({ A: "1", B: "2", C: "3" });

test("a proposal without a commit writes nothing, even if rehearsed", async () => {
  const before = world.objects();
  using proposal = await pushing();
  expect(await proposal.rehearse()).toBeNull();
  expect(world.store.bucket).toEqual(before);
});

test("a rehearsal names the generation whose audit row would be appended first", async () => {
  for (const key of world.store.bucket.keys()) if (key.startsWith("audit/")) world.store.bucket.delete(key);
  using proposal = await pushing();
  expect(await proposal.rehearse()).toBe(1);
});

test("a proposal commits once, and never after its disposal: its values are zeroed by then", async () => {
  using twice = await pushing();
  expect((await twice.commit())?.manifest.gen).toBe(2);
  expect(await rejection(twice.commit())).toMatchObject(SPENT);
  const disposed = await pushing();
  disposed[Symbol.dispose]();
  expect(await rejection(disposed.commit())).toMatchObject(SPENT);
  expect(await world.secrets()).toEqual({ A: "1", B: "2", C: "3" });
});

test("a commit whose proposal is disposed of while it runs writes nothing", async () => {
  const before = world.objects();
  const commitWithoutAwaiting = async () => {
    using proposal = await pushing();
    return proposal.commit();
  };
  expect(await rejection(commitWithoutAwaiting())).toMatchObject(SPENT);
  using holder = holding(OLD);
  using rotation = await openRotation(world, { ...REQUEST, holder });
  const proposal = await rotation.propose({ newPassphrase: Secret.ofText(NEW), cost: COST });
  rotation[Symbol.dispose]();
  expect(await rejection(proposal.commit())).toMatchObject(SPENT);
  expect(world.store.bucket).toEqual(before);
});

test("pushed values still belong to the caller", async () => {
  const items: NamedData[] = [{ name: "A", kind: "secret", data: Secret.ofText("9") }];
  const proposal = await world.proposePush(items);
  await proposal.commit();
  proposal[Symbol.dispose]();
  expect(items[0]?.data.exposeText()).toBe("9");
});

describe("the memory of the vault that a proposal opened", () => {
  /** The bundles that the machine has read. */
  const read: Uint8Array[] = [];
  const machine = () => {
    const { store } = world;
    read.length = 0;
    const get: ObjectStore["get"] = async (key, options) => {
      const found = await store.get(key, options);
      if (found !== null && key.startsWith(BUNDLE_PREFIX)) read.push(found.bytes);
      return found;
    };
    return world.with({ store: world.storeWith({ get }) });
  };
  const lengths = () => read.map(({ length }) => length);

  test("is freed before the upload, or with the proposal", async () => {
    const written = await machine().proposePush({ A: "3" });
    for await (const { kind } of written.steps()) if (kind === "ready") break;
    expect(lengths()).toEqual([0]);
    const dropped = await machine().proposePush({ A: "3" });
    expect(lengths()).not.toEqual([0]);
    dropped[Symbol.dispose]();
    expect(lengths()).toEqual([0]);
  });

  test.each<[string, (it: Machine) => Promise<unknown>]>([
    ["the use-case", (it) => it.revokeTokens(["gone"])],
    ["opening", (it) => it.set({ A: "3" })],
    ["reconcile", (it) => it.reconcile()],
  ])("is freed if %s refuses", async (name, act) => {
    if (name === "reconcile") world.tamper(auditKey(1), Uint8Array.of(1));
    if (name === "opening") {
      const { vault, signingKey } = await world.writable();
      world.forge(
        { ...vault.manifest, unlock: [...vault.manifest.unlock, { kind: null, raw: { kind: "badge" } }] },
        signingKey,
      );
    }
    expect(await rejection(act(machine()))).toBeInstanceOf(VsyncError);
    expect(lengths()).toEqual([0]);
  });
});

test("with nothing to change has no steps", async () => {
  using proposal = await world.proposePush({ A: "1", B: "2" });
  expect(await takeAll(proposal.steps())).toEqual([]);
});

test("a caller who stops taking steps stops the commit", async () => {
  const { manifest } = Object.fromEntries(world.store.bucket);
  using proposal = await pushing();
  for await (const { kind } of proposal.steps()) if (kind === "bundle-created") break;
  expect(world.store.bucket.get("manifest")).toEqual(manifest);
});
