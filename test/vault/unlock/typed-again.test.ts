import { beforeEach, describe, expect, test } from "vitest";
import { derivePassphraseKey } from "../../../src/crypto/kdf.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { type BundleHeader, parseBundle } from "../../../src/vault/format/bundle-header.ts";
import { proposeSet } from "../../../src/vault/items/set.ts";
import { openVault } from "../../../src/vault/open/open.ts";
import {
  type AskAgain,
  hintOfOpener,
  type KeptKey,
  type PassphraseHint,
  PassphraseHolder,
} from "../../../src/vault/unlock/passphrase-holder.ts";
import { holding, ownEntry } from "../../support/passphrases.ts";
import { ACTOR, ENV, HOUR_MS, NEW, OLD, rejection, secretItems, secretsOf, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

const isZero = (secret: Secret): boolean => secret.expose().every((byte) => byte === 0);
const open = (holder: PassphraseHolder) => openVault(world, { holder, expect: { env: ENV } });

/** Types these in order, then gives up. */
function typing(...words: readonly string[]) {
  const typed = words.map((word) => Secret.ofText(word));
  const told: Error[] = [];
  const left = [...typed];
  const askAgain: AskAgain = async (wrong) => {
    told.push(wrong);
    return left.shift() ?? null;
  };
  const first = Secret.ofText("mistyped");
  const holder = (hint?: PassphraseHint) => new PassphraseHolder(first, hint, askAgain);
  return { typed, told, first, holder };
}

function headerOf(gen: number): BundleHeader {
  const [key = ""] = [...world.store.bucket.keys()]
    .filter((it) => it.startsWith("v="))
    .toSorted()
    .slice(gen - 1);
  return parseBundle(world.bytes(key), world.identity.vault, gen).header;
}

describe("a passphrase that was mistyped", () => {
  test("is asked for again until it opens the vault; what was typed is zeroed at the end", async () => {
    const { typed, told, first, holder } = typing("mistyped too", OLD);
    const typist = holder();
    expect(secretsOf((await open(typist)).bundle.items)).toEqual({ A: "1" });
    expect(told.map(({ message }) => message)).toEqual([
      "wrong passphrase for api/prod",
      "wrong passphrase for api/prod",
    ]);
    expect(typist.isOf(Secret.ofText(OLD))).toBe(true);
    expect(typed.map(isZero)).toEqual([false, false]);
    typist[Symbol.dispose]();
    expect(typed.map(isZero)).toEqual([true, true]);
    expect(first.exposeText()).toBe("mistyped");
  });

  test("is the error of its last try if nobody types another", async () => {
    const { told, holder } = typing("mistyped too");
    using typist = holder();
    const error = await rejection(open(typist));
    expect([told.length, told[1]]).toEqual([2, error]);
    expect(error).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("for an older generation is asked for again too, but not one that has opened today's", async () => {
    await world.rotate(OLD, NEW);
    const older = typing(OLD);
    using typist = older.holder();
    using keys = await typist.openOlderSlot(headerOf(1));
    expect([older.told.map(({ message }) => message), keys.operatorKey === null]).toEqual([
      ["wrong passphrase for generation 1"],
      false,
    ]);
    const today = typing(NEW, OLD);
    using current = today.holder();
    await open(current);
    expect(await rejection(current.openOlderSlot(headerOf(1)))).toMatchObject({
      name: "WrongPassphraseError",
      message: "wrong passphrase for generation 1",
      hint: expect.stringContaining("--then-passphrase-file"),
    });
    expect(today.told).toHaveLength(1);
    expect(secretsOf((await open(current)).bundle.items)).toEqual({ A: "1" });
  });

  test("for a vault that is to be made is asked for again too", async () => {
    const by = { vault: "v", env: ENV, signer: "s" };
    const { told, holder } = typing(OLD);
    using typist = holder(world.identity);
    const { recipient } = await typist.enrol("p1", by);
    expect([recipient, told.length]).toEqual([Buffer.from(world.identity.recipient).toString("base64"), 1]);
  });
});

describe("a key that was kept", () => {
  let forgotten: number;
  let kept: KeptKey;
  beforeEach(async () => {
    forgotten = 0;
    const { cost } = world.identity;
    const key = await derivePassphraseKey(Secret.ofText(OLD), cost);
    kept = { cost, key, forget: () => void forgotten++ };
  });

  test("opens the vault and writes it, and is zeroed with its holder", async () => {
    const holder = new PassphraseHolder(kept);
    holder.prepare();
    expect(secretsOf((await open(holder)).bundle.items)).toEqual({ A: "1" });
    const request = { holder, expect: { env: ENV }, annotation: { actor: ACTOR } };
    using proposal = await proposeSet(world, request, secretItems({ B: "2" }));
    await proposal.commit();
    expect(await world.secrets()).toEqual({ A: "1", B: "2" });
    expect(holder.isOf(Secret.ofText(OLD))).toBe(false);
    holder[Symbol.dispose]();
    await Promise.resolve();
    expect([isZero(kept.key.seed), isZero(kept.key.mac), forgotten]).toEqual([true, true, 0]);
  });

  test("is forgotten once it opens the vault no more", async () => {
    await world.rotate(OLD, NEW);
    using holder = new PassphraseHolder(kept);
    expect(await rejection(open(holder))).toMatchObject({
      name: "WrongPassphraseError",
      hint: expect.stringContaining("vsync unlock"),
    });
    expect(forgotten).toBe(1);
    expect(await holder.entryIn(await world.manifest(NEW))).toBeNull();
    expect(await holder.keyFor(await world.manifest(NEW))).toBeNull();
  });

  test("opens the older generations of its own cost, and gives way to a passphrase that is typed for others", async () => {
    await world.rotate(OLD, NEW);
    await world.rotate(NEW, "a third");
    using holder = new PassphraseHolder(kept);
    using opened = await holder.openOlderSlot(headerOf(1));
    expect(opened.operatorKey).not.toBeNull();
    expect(await rejection(holder.openOlderSlot(headerOf(2)))).toMatchObject({ name: "WrongPassphraseError" });
    let asked = 0;
    using typist = new PassphraseHolder(kept, undefined, async () => (asked++ === 0 ? Secret.ofText(NEW) : null));
    using second = await typist.openOlderSlot(headerOf(2));
    expect([second.operatorKey === null, asked]).toEqual([false, 1]);
  });

  test("makes no entry", async () => {
    using holder = new PassphraseHolder(kept, { cost: { ...kept.cost, salt: new Uint8Array(16) } });
    const enrolling = holder.enrol("p1", { vault: "v", env: ENV, signer: "s" });
    expect(await rejection(enrolling)).toBeInstanceOf(TypeError);
  });
});

describe("what to remember of the passphrase that opened a manifest", () => {
  test("is its own entry's, also within a grace window", async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    for (const by of [OLD, NEW]) {
      const { manifest, unlocked } = await world.openManifest(by);
      const { key } = await ownEntry(manifest, by);
      const hint = hintOfOpener(manifest, unlocked);
      expect(Buffer.from(hint.recipient)).toEqual(Buffer.from(key.recipient));
      using holder = holding(by);
      const found = await holder.keyFor(manifest);
      expect(found?.cost).toEqual(hint.cost);
      expect(Buffer.from(found?.key.seed.expose() ?? [])).toEqual(Buffer.from(key.seed.expose()));
    }
  });

  test("an entry that is known to be another's is not tried", async () => {
    const manifest = await world.manifest();
    using holder = holding(OLD);
    expect(await holder.entryIn(manifest, { besides: "p1" })).toBeNull();
    expect((await holder.entryIn(manifest, { besides: "p2" }))?.slot).toBe("p1");
  });
});
