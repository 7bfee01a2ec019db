import { beforeEach, describe, expect, test, vi } from "vitest";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { PassphraseRetiredError, WrongPassphraseError } from "../../src/errors.ts";
import { kdfCostOf } from "../../src/vault/format/kdf-field.ts";
import type { PassphraseEntry } from "../../src/vault/format/unlock-entry.ts";
import type { SlotAccess } from "../../src/vault/unlock/entries.ts";
import { ReadOnlyPassphraseError } from "../../src/vault/unlock/passphrase-holder.ts";
import { passphrasesIn } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

vi.mock("../../src/crypto/kdf.ts", { spy: true });

const WINDOW_END = "2026-01-01T01:00:00.000Z";
const THIRD = "the third passphrase";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

async function slots(passphrase = NEW): Promise<readonly PassphraseEntry[]> {
  return passphrasesIn(await world.manifest(passphrase));
}

async function slotNames(passphrase = NEW): Promise<readonly string[]> {
  return (await slots(passphrase)).map((entry) => entry.slot);
}

describe("inside the window", () => {
  beforeEach(async () => {
    const { plan } = await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(plan).toEqual({ prevGen: 1, gen: 2, graceUntil: WINDOW_END, dropped: [] });
  });

  test("both passphrases open, the old one as a reader that never sees the signing key's box open", async () => {
    const [before, after] = [await world.open(), await world.open(NEW)];
    expect(before.bundle.keys.operatorKey).toBeNull();
    expect(after.bundle.keys.operatorKey).not.toBeNull();
    expect(await world.secrets()).toEqual({ A: "1" });
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["push", (it) => it.push({ A: "2" })],
    ["set", (it) => it.set({ A: "2" })],
    ["finish", (it) => it.finish()],
    ["reconcile", (it) => it.reconcile()],
    ["rotate", (it) => it.rotate(OLD, THIRD)],
  ])("the old one is refused at %s, with its reason, before any write", async (_name, act) => {
    const error = await rejection(act(world));
    expect(error).toBeInstanceOf(ReadOnlyPassphraseError);
    expect(error).toMatchObject({
      message: `this passphrase can only read until ${WINDOW_END}: use the new one`,
      code: "INPUT",
      readOnlyUntil: WINDOW_END,
      hint: "give the passphrase that the last rotation set, as VSYNC_PASSPHRASE or at the prompt",
    });
    expect(world.requests.slice(-2)).toEqual(["get manifest", "get v=20260101T000000001Z"]);
  });

  test.each([
    ["old", OLD, 1],
    ["new", NEW, 0],
  ] as const)("a boot with the %s one and a current hint derives once, not twice", async (_name, passphrase, at) => {
    const hint = (await slots()).map(({ kdf }) => kdfCostOf(kdf))[at] ?? expect.unreachable();
    vi.mocked(derivePassphraseKey).mockClear();
    await world.openAfresh(passphrase, { hint });
    expect(vi.mocked(derivePassphraseKey).mock.calls.map(([, cost]) => cost)).toEqual([hint]);
  });

  test("pushes keep both slots, signer and endorsements", async () => {
    const before = await world.open(NEW);
    for (const value of ["2", "3"]) {
      world.clock.ms += HOUR_MS / 3;
      await world.push({ A: value }, { by: NEW });
      expect(await world.secrets()).toEqual({ A: value });
      expect(await world.secrets(NEW)).toEqual({ A: value });
    }
    const after = await world.open(NEW);
    expect(after.manifest.signer).toBe(before.manifest.signer);
    expect(after.manifest.unlock).toEqual(before.manifest.unlock);
  });

  test("the end is the first millisecond at which the old one is refused", async () => {
    world.clock.ms += HOUR_MS - 1;
    expect(await world.secrets()).toEqual({ A: "1" });
    world.clock.ms += 1;
    const error = await rejection(world.open());
    expect(error).toBeInstanceOf(PassphraseRetiredError);
    expect(error).toBeInstanceOf(WrongPassphraseError);
    expect(await rejection(world.push({ A: "2" }))).toBeInstanceOf(PassphraseRetiredError);
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
  });

  test("a push in the last millisecond keeps the slot, the next one drops it and changes no other", async () => {
    world.clock.ms += HOUR_MS - 1;
    await world.push({ A: "2" }, { by: NEW });
    const [kept] = await slots();
    expect(await slotNames()).toEqual(["p2", "p1"]);
    world.clock.ms += 1;
    await world.push({ A: "3" }, { by: NEW });
    expect(await slots()).toEqual([kept]);
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("a push that waited at its question until the window was over seals to the new passphrase alone", async () => {
    using proposal = await world.proposePush({ A: "new" }, { by: NEW });
    world.clock.ms += HOUR_MS;
    const committed = await proposal.commit();
    expect(committed?.manifest.at).toBe(WINDOW_END);
    expect(await slotNames()).toEqual(["p2"]);
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("finish drops it at once, keeping signer and endorsement; a second finish has nothing to do", async () => {
    const before = await world.open(NEW);
    const finished = await world.finish({ by: NEW });
    expect(finished.plan.map((entry) => entry.slot)).toEqual(["p1"]);
    const after = await world.open(NEW);
    expect(after.manifest).toMatchObject({ gen: 3, action: "finish", signer: before.manifest.signer });
    expect(after.manifest).not.toHaveProperty("prev_signer");
    expect(after.manifest.rotated_at).toBe(before.manifest.rotated_at);
    expect(after.manifest.unlock).toEqual(before.manifest.unlock.slice(0, 1));
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
    expect((await world.finish({ by: NEW })).committed).toBeNull();
  });

  test("finish says which slots it drops before it writes, and drops none where it is declined", async () => {
    const { bucket } = world.fork().store;
    const told: string[][] = [];
    const confirm = async (dropped: readonly SlotAccess[]) => {
      told.push(dropped.map((entry) => entry.slot));
      return told.length > 1;
    };
    expect((await world.finish({ by: NEW, confirm })).committed).toBeNull();
    expect(world.store.bucket).toEqual(bucket);
    expect((await world.finish({ by: NEW, confirm })).committed?.manifest.gen).toBe(3);
    expect(told).toEqual([["p1"], ["p1"]]);
  });

  test("a rotation drops the older window's slot, and says so before it writes", async () => {
    let writesWhenAsked = -1;
    const { plan } = await world.rotate(NEW, THIRD, {
      graceMs: 2 * HOUR_MS,
      confirm: async (asked) => {
        expect(asked.dropped.map(({ slot, until }) => [slot, until])).toEqual([["p1", WINDOW_END]]);
        writesWhenAsked = world.store.requests.filter(({ bytes }) => bytes !== undefined).length;
        return true;
      },
    });
    expect(world.store.requests.filter(({ bytes }) => bytes !== undefined).length).toBe(writesWhenAsked + 3);
    expect(plan.graceUntil).toBe("2026-01-01T02:00:00.000Z");
    expect(await slotNames(THIRD)).toEqual(["p3", "p2"]);
    expect(await rejection(world.open())).toMatchObject({ name: "WrongPassphraseError" });
    expect(await world.secrets(NEW)).toEqual({ A: "1" });
    expect(await rejection(world.push({ A: "2" }, { by: NEW }))).toBeInstanceOf(ReadOnlyPassphraseError);
  });

  test("a rotation back to the first passphrase makes a new slot of it, which writes", async () => {
    await world.rotate(NEW, OLD, { graceMs: HOUR_MS });
    expect(await slotNames(OLD)).toEqual(["p3", "p2"]);
    await world.push({ A: "2" });
    expect(await world.secrets(NEW)).toEqual({ A: "2" });
    expect(await rejection(world.push({ A: "3" }, { by: NEW }))).toBeInstanceOf(ReadOnlyPassphraseError);
  });
});

describe("without a window", () => {
  test("the old passphrase opens nothing any more", async () => {
    const { plan } = await world.rotate(OLD, NEW);
    expect(plan.graceUntil).toBeNull();
    expect(await slotNames()).toEqual(["p2"]);
    const error = await rejection(world.open());
    expect(error).toMatchObject({ name: "WrongPassphraseError", code: "WRONG_PASSPHRASE" });
    expect((error as WrongPassphraseError).hint).toContain("roll the new one out");
  });
});

describe("the signing key", () => {
  test("changes at each rotation and at nothing else", async () => {
    const signers: string[] = [];
    const note = async (passphrase: string) => signers.push((await world.open(passphrase)).manifest.signer);
    await note(OLD);
    await world.push({ A: "2" });
    await note(OLD);
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    await note(NEW);
    await world.set({ B: "1" }, { by: NEW });
    await world.finish({ by: NEW });
    await note(NEW);
    await world.rotate(NEW, OLD);
    await note(OLD);
    const [first, pushed, rotated, finished, back] = signers;
    expect(pushed).toBe(first);
    expect(finished).toBe(rotated);
    expect(new Set([first, rotated, back]).size).toBe(3);
    const { manifest } = await world.open();
    expect((await world.verify(manifest)).rows.map((row) => row.prev_signer)).toEqual([
      rotated,
      undefined,
      undefined,
      first,
      undefined,
      undefined,
    ]);
  });

  test("so does everything that a rotation draws: salt, recipient, bundle, boxes", async () => {
    const before = await world.open();
    await world.rotate(OLD, NEW);
    const after = await world.open(NEW);
    const [old = expect.unreachable()] = passphrasesIn(before.manifest);
    const [fresh = expect.unreachable()] = passphrasesIn(after.manifest);
    expect(fresh.kdf.salt).not.toBe(old.kdf.salt);
    expect(fresh.recipient).not.toBe(old.recipient);
    expect(after.bundle.header.index).not.toBe(before.bundle.header.index);
    expect(after.bundle.header.signing).not.toBe(before.bundle.header.signing);
    expect(after.manifest.bundle.sha256).not.toBe(before.manifest.bundle.sha256);
    expect(world.store.bucket.has(before.manifest.bundle.key)).toBe(true);
  });

  test("the time of the last rotation stays what it was until the next one", async () => {
    const times: string[] = [];
    const anHourLater = async (act: () => Promise<unknown>, passphrase: string) => {
      world.clock.ms += HOUR_MS;
      await act();
      times.push((await world.open(passphrase)).manifest.rotated_at);
    };
    await anHourLater(() => world.push({ A: "2" }), OLD);
    await anHourLater(() => world.rotate(OLD, NEW, { graceMs: 9 * HOUR_MS }), NEW);
    await anHourLater(() => world.set({ B: "1" }, { by: NEW }), NEW);
    await anHourLater(() => world.finish({ by: NEW }), NEW);
    await anHourLater(() => world.rotate(NEW, OLD), OLD);
    expect(times.map((at) => at.slice(11, 13))).toEqual(["00", "02", "02", "02", "05"]);
  });

  test("the new slot costs what was asked for, or RFC 9106's second option", async () => {
    const costOf = async (passphrase: string) => (await slots(passphrase))[0]?.kdf;
    await world.rotate(OLD, NEW, { cost: { iterations: 2, memoryKiB: 8200, parallelism: 1 } });
    expect(await costOf(NEW)).toMatchObject({ iterations: 2, memory_kib: 8200, parallelism: 1 });
    await world.rotate(NEW, OLD, { cost: null });
    expect(await costOf(OLD)).toMatchObject({ iterations: 3, memory_kib: 65536, parallelism: 4 });
  });

  test("no two slots ever share a salt", async () => {
    const salts = [(await slots(OLD))[0]?.kdf.salt];
    for (const [from, to] of [
      [OLD, NEW],
      [NEW, THIRD],
      [THIRD, OLD],
    ] as const) {
      await world.rotate(from, to);
      salts.push((await slots(to))[0]?.kdf.salt);
    }
    expect(new Set(salts).size).toBe(4);
  });

  test("rotation meta: the operator's own, and never over the three that the row needs", async () => {
    await world.rotate(OLD, NEW, { meta: { ticket: "OPS-1", gen: 99, event: "forged" } });
    const { manifest } = await world.open(NEW);
    expect(manifest).toMatchObject({ action: "rotate", rotated_at: manifest.at });
    expect(JSON.stringify(manifest.meta)).toBe('{"event":"rotate","gen":2,"prev_gen":1,"ticket":"OPS-1"}');
  });
});
