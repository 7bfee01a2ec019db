import { beforeEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { PassphraseRetiredError, WrongPassphraseError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { LAST_INSTANT_MS } from "../../src/vault/format/object-keys.ts";
import type { PassphraseEntry } from "../../src/vault/format/unlock-entry.ts";
import { openRotation, type RotationPlan } from "../../src/vault/rotate.ts";
import { ReadOnlyPassphraseError } from "../../src/vault/unlock/passphrase-holder.ts";
import { holding, passphrasesIn } from "../support/passphrases.ts";
import { ACTOR, ENV, HOUR_MS, NEW, OLD, rejection, START_MS, World } from "../support/world.ts";

const WINDOW_END = "2026-01-01T01:00:00.000Z";
const THIRD = "the third passphrase";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

const entries = async (by = NEW): Promise<readonly PassphraseEntry[]> => passphrasesIn(await world.manifest(by));
const slotNames = async (by = NEW) => (await entries(by)).map(({ slot }) => slot);

describe("without a grace window", () => {
  test("the old passphrase no longer opens anything", async () => {
    const { plan, committed } = await world.rotate(OLD, NEW);
    expect(plan).toMatchObject({ prevGen: 1, gen: 2, graceUntil: null, dropped: [], tokens: [] });
    expect(committed?.manifest).toMatchObject({ gen: 2, action: "rotate" });
    expect(await slotNames()).toEqual(["p2"]);
    expect(await rejection(world.open(OLD))).toMatchObject({
      name: "WrongPassphraseError",
      message: "wrong passphrase for api/prod",
      hint: expect.stringContaining("if it was rotated, roll the new one out"),
    });
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
  });

  test("salt, recipient, signer and every box are drawn afresh; the old bundle stays", async () => {
    const before = await world.open();
    await world.rotate(OLD, NEW);
    await world.rotate(NEW, THIRD);
    await world.rotate(THIRD, OLD);
    const after = await world.open();
    const drawn = ({ manifest, bundle: { header } }: typeof before) => {
      const [entry = expect.unreachable()] = passphrasesIn(manifest);
      return [entry.kdf.salt, entry.recipient, manifest.signer, header.index, header.signing, manifest.bundle.sha256];
    };
    expect(new Set([...drawn(before), ...drawn(after)]).size).toBe(12);
    expect(world.store.bucket.has(before.manifest.bundle.key)).toBe(true);
  });

  test("in Bun, garbage is collected once, before the new key is derived and anything is written", async () => {
    const collected: unknown[] = [];
    vi.stubGlobal("Bun", {
      gc: (synchronous: boolean) => collected.push({ synchronous, requests: world.requests.length }),
    });
    const read = world.requests.length;
    await world.rotate(OLD, NEW);
    vi.unstubAllGlobals();
    const written = world.requests.findIndex((request, at) => at >= read && !request.startsWith("get "));
    expect(collected).toEqual([{ synchronous: true, requests: written }]);
  });

  test("the new passphrase costs what was asked for, or RFC 9106's second option", async () => {
    const costOf = async (by: string) => (await entries(by))[0]?.kdf;
    await world.rotate(OLD, NEW, { cost: { iterations: 2, memoryKiB: 8200, parallelism: 1 } });
    expect(await costOf(NEW)).toMatchObject({ iterations: 2, memory_kib: 8200, parallelism: 1 });
    await world.rotate(NEW, OLD, { cost: null });
    expect(await costOf(OLD)).toMatchObject({ iterations: 3, memory_kib: 65536, parallelism: 4 });
  });

  test("the operator's meta goes into the row, except where the row has its own", async () => {
    await world.rotate(OLD, NEW, { meta: { ticket: "OPS-1", gen: 99, event: "forged" } });
    const { meta } = await world.manifest(NEW);
    expect(JSON.stringify(meta)).toBe('{"event":"rotate","gen":2,"prev_gen":1,"ticket":"OPS-1"}');
  });
});

describe("in a grace window", () => {
  beforeEach(async () => {
    const { plan } = await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(plan).toMatchObject({ prevGen: 1, gen: 2, graceUntil: WINDOW_END, dropped: [] });
  });

  test("both passphrases read, and only the new one gets the key that writes", async () => {
    const [before, after] = [await world.open(OLD), await world.open(NEW)];
    expect([before.bundle.keys.operatorKey === null, after.bundle.keys.operatorKey === null]).toEqual([true, false]);
    expect([await world.secrets(OLD), await world.secrets(NEW)]).toEqual([{ A: "1" }, { A: "1" }]);
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["push", (it) => it.push({ A: "2" })],
    ["set", (it) => it.set({ A: "2" })],
    ["finish", (it) => it.finish()],
    ["reconcile", (it) => it.reconcile()],
    ["rotate", (it) => it.rotate(OLD, THIRD)],
  ])("%s with the old one is refused before any write", async (_name, act) => {
    const before = world.objects();
    const error = await rejection(act(world));
    expect(error).toBeInstanceOf(ReadOnlyPassphraseError);
    expect(error).toMatchObject({
      message: `this passphrase can only read until ${WINDOW_END}: use the new one`,
      code: "INPUT",
      readOnlyUntil: WINDOW_END,
      hint: "give the passphrase that the last rotation set, as VSYNC_PASSPHRASE or at the prompt",
    });
    expect(world.objects()).toEqual(before);
  });

  test("commits keep both entries, signer and endorsements until the last millisecond; the next one drops the old", async () => {
    const before = await world.manifest(NEW);
    world.clock.ms += HOUR_MS - 1;
    await world.push({ A: "2" }, { by: NEW });
    const { signer, unlock } = await world.manifest(NEW);
    expect({ signer, unlock }).toEqual({ signer: before.signer, unlock: before.unlock });
    expect(await world.secrets(OLD)).toEqual({ A: "2" });
    world.clock.ms += 1;
    const error = await rejection(world.open(OLD));
    expect([error instanceof PassphraseRetiredError, error instanceof WrongPassphraseError]).toEqual([true, true]);
    expect(error).toMatchObject({
      message: `this passphrase was rotated away; its grace window ended ${WINDOW_END}`,
      hint: "set VSYNC_PASSPHRASE to the new passphrase",
    });
    expect(await rejection(world.push({ A: "3" }))).toBeInstanceOf(PassphraseRetiredError);
    await world.push({ A: "3" }, { by: NEW });
    expect(await entries()).toEqual(passphrasesIn(before).slice(0, 1));
    world.clock.ms -= HOUR_MS;
    expect(await rejection(world.open(OLD))).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("another rotation says that it drops the older window, and drops it", async () => {
    const before = world.objects();
    const plans: RotationPlan[] = [];
    const confirm = (plan: RotationPlan) => {
      expect(world.objects()).toEqual(before);
      return plans.push(plan) > 0;
    };
    await world.rotate(NEW, THIRD, { graceMs: 2 * HOUR_MS, confirm });
    expect(plans.map(({ dropped }) => dropped.map(({ slot, until }) => [slot, until]))).toEqual([[["p1", WINDOW_END]]]);
    expect(await slotNames(THIRD)).toEqual(["p3", "p2"]);
    expect(await rejection(world.open(OLD))).toMatchObject({ name: "WrongPassphraseError" });
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
    expect(await rejection(world.push({ A: "2" }, { by: NEW }))).toBeInstanceOf(ReadOnlyPassphraseError);
  });

  test("a push that waited at its question until the window was over seals to the new passphrase alone", async () => {
    const waiting = () => {
      world.clock.ms += HOUR_MS;
      return true;
    };
    const { committed } = await world.push({ A: "2" }, { by: NEW, confirm: waiting });
    expect(committed?.manifest.at).toBe(WINDOW_END);
    expect(await slotNames(NEW)).toEqual(["p2"]);
    expect(await rejection(world.open(OLD))).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("a rotation back to the first passphrase is refused while an entry knows it, also after its end", async () => {
    const before = world.objects();
    for (const afterMs of [0, 2 * HOUR_MS]) {
      world.clock.ms += afterMs;
      expect(await rejection(world.rotate(NEW, OLD))).toMatchObject({
        name: "InputError",
        message: `this passphrase still opens the vault, or did until ${WINDOW_END}: choose one that was never used`,
        hint: "let --generate make one",
      });
    }
    expect(world.objects()).toEqual(before);
  });
});

describe("refused", () => {
  test.each([
    ["an empty passphrase", "", "the new passphrase is empty", "give one, or let --generate make one"],
    ["the old passphrase", OLD, "the new passphrase is the old one", "choose another, or let --generate make one"],
  ])("%s as the new one, whether given or asked for", async (_name, to, message, hint) => {
    const before = world.objects();
    for (const given of [to, async () => Secret.ofText(to)]) {
      expect(await rejection(world.rotate(OLD, given))).toMatchObject({ name: "InputError", message, hint });
    }
    expect(world.objects()).toEqual(before);
  });

  test("a wrong old passphrase, before a new one is asked for", async () => {
    const asked = world.rotate("wrong", async () => expect.unreachable("asked"));
    expect(await rejection(asked)).toBeInstanceOf(WrongPassphraseError);
  });

  test.each([-1, 0, LAST_INSTANT_MS - START_MS + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    "a grace window of %d ms",
    async (graceMs) => {
      expect(await rejection(world.rotate(OLD, NEW, { graceMs }))).toMatchObject({
        name: "InputError",
        message: "the grace window must be positive and end before the year 10000",
        hint: "give it as in --grace=24h",
      });
    },
  );

  test("not a window that ends in the last millisecond that can be written", async () => {
    const { plan } = await world.rotate(OLD, NEW, { graceMs: LAST_INSTANT_MS - START_MS });
    expect(plan.graceUntil).toBe("9999-12-31T23:59:59.999Z");
  });
});

describe("the memory of the old bundle is given back", () => {
  /** A machine that keeps the bundles it fetched, and their lengths at each upload. */
  function watched() {
    const fetched: Uint8Array[] = [];
    const atUpload: number[][] = [];
    const lengths = () => fetched.map(({ length }) => length);
    const { store } = world;
    const watching: Partial<ObjectStore> = {
      async get(key, options) {
        const stored = await store.get(key, options);
        if (key.startsWith("v=") && stored !== null) fetched.push(stored.bytes);
        return stored;
      },
      create(key, bytes) {
        if (key.startsWith("v=")) atUpload.push(lengths());
        return store.create(key, bytes);
      },
    };
    return { machine: world.with({ store: world.storeWith(watching) }), lengths, atUpload };
  }

  test("before the new one is uploaded", async () => {
    const { machine, atUpload } = watched();
    await machine.rotate(OLD, NEW);
    expect(atUpload).toEqual([[0]]);
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
  });

  test("if the rotation is disposed of before anything is proposed", async () => {
    const { machine, lengths } = watched();
    using holder = holding(OLD);
    const rotation = await openRotation(machine, { holder, expect: { env: ENV }, annotation: { actor: ACTOR } });
    expect(lengths()).not.toEqual([0]);
    rotation[Symbol.dispose]();
    expect(lengths()).toEqual([0]);
  });
});
