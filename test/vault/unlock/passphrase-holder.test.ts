import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { KdfCost } from "../../../src/crypto/argon2id.ts";
import { derivePassphraseKey } from "../../../src/crypto/kdf.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { kdfCostOf } from "../../../src/vault/format/kdf-field.ts";
import { openManifest } from "../../../src/vault/open/open-manifest.ts";
import { freshHint, hintOf, recipientOf } from "../../../src/vault/unlock/passphrase-holder.ts";
import { holding, passphrasesIn } from "../../support/passphrases.ts";
import { COST, ENV, endHolders, HOUR_MS, NEW, OLD, rejection, seededRandom, World } from "../../support/world.ts";

vi.mock("../../../src/crypto/kdf.ts", { spy: true });
const derive = vi.mocked(derivePassphraseKey);

let world: World;
beforeEach(async () => {
  world = await World.pushed();
  derive.mockClear();
});

const costs = (): KdfCost[] => derive.mock.calls.map(([, cost]) => cost);

describe("a passphrase derives", () => {
  test("while the manifest is on its way, with the hint", async () => {
    const derived: number[] = [];
    world.failing({ before: () => void derived.push(costs().length) });
    using holder = holding(OLD, world.identity);
    await openManifest(world, { holder, expect: { env: ENV } });
    expect(derived).toEqual([1]);
    expect(costs()).toEqual([world.identity.cost]);
  });

  test.each([
    ["out of bounds", { memoryKiB: 1 }],
    ["outdated", { salt: new Uint8Array(16) }],
  ])("what the manifest says, where the hint is %s", async (_name, change) => {
    using holder = holding(OLD, { cost: { ...world.identity.cost, ...change } });
    const { manifest } = await openManifest(world, { holder, expect: { env: ENV } });
    expect(manifest.gen).toBe(1);
    expect(costs().at(-1)).toEqual(world.identity.cost);
  });

  test.each([
    ["salt", { salt: Buffer.alloc(16).toString("base64") }],
    ["iterations", { iterations: 2 }],
    ["memory", { memory_kib: 8193 }],
    ["parallelism", { parallelism: 2 }],
  ])("once for each cost, and again for one that differs in its %s", async (_name, change) => {
    const [entry = expect.unreachable()] = passphrasesIn(await world.manifest());
    derive.mockClear();
    const other = { ...entry, slot: "other", kdf: { ...entry.kdf, ...change }, recipient: entry.endorse };
    const manifest = { ...(await world.manifest()), unlock: [other, entry] };
    using holder = holding(OLD);
    expect(await holder.entryIn(manifest)).toEqual(entry);
    expect(await holder.entryIn(manifest)).toEqual(entry);
    expect(costs()).toHaveLength(2);
  });

  test("nothing beyond the bounds, however the entry got there", async () => {
    const manifest = await world.manifest();
    const [entry = expect.unreachable()] = passphrasesIn(manifest);
    const altered = { ...entry, kdf: { ...entry.kdf, memory_kib: 1 } };
    using holder = holding(OLD);
    expect(await rejection(holder.entryIn({ ...manifest, unlock: [altered] }))).toMatchObject({
      name: "NotAuthenticError",
      message: "key derivation memoryKiB is 1, outside 8192…1048576",
    });
  });
});

describe("in a grace window", () => {
  beforeEach(async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  });

  test.each([
    ["old", OLD, 1],
    ["new", NEW, 0],
  ] as const)("a boot with the %s passphrase and a current hint derives once, not twice", async (_name, by, at) => {
    const hint = passphrasesIn(await world.manifest(NEW)).map(({ kdf }) => kdfCostOf(kdf))[at] ?? expect.unreachable();
    derive.mockClear();
    await world.openAfresh(by, { hint });
    expect(costs()).toEqual([hint]);
  });

  test("the manifest tells the old passphrase when it ends, the new one that it does not", async () => {
    expect((await world.openManifest(OLD)).unlocked.until).toBe("2026-01-01T01:00:00.000Z");
    expect((await world.openManifest(NEW)).unlocked.until).toBeNull();
  });

  test("machines remember the passphrase that may write, in any position of its entry", async () => {
    const manifest = await world.manifest(NEW);
    const { cost, recipient } = hintOf(manifest);
    expect(Buffer.from(recipient).toString("base64")).toBe(passphrasesIn(manifest)[0]?.recipient);
    expect(new Uint8Array(recipient)).toEqual(await recipientOf(Secret.ofText(NEW), cost));
    const unlock = [{ kind: null, raw: { kind: "scoped" } }, ...manifest.unlock.toReversed()];
    expect(hintOf({ ...manifest, unlock })).toEqual({ cost, recipient });
  });
});

test("a new passphrase gets a fresh salt and RFC 9106's second option, and its recipient is remembered", async () => {
  const { cost, recipient } = await freshHint(seededRandom("salt"), Secret.ofText(OLD));
  expect(cost).toMatchObject({ iterations: 3, memoryKiB: 65536, parallelism: 4 });
  expect(cost.salt).toHaveLength(16);
  expect(await recipientOf(Secret.ofText(OLD), cost)).toEqual(recipient);
});

describe("disposing of a holder zeroes its keys", () => {
  const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

  test("those already derived and the one in progress; the next one never starts", async () => {
    const manifest = await world.manifest();
    derive.mockClear();
    const holder = holding(OLD, { cost: { ...COST, salt: new Uint8Array(16) } });
    holder.prepare();
    await setImmediate();
    const finding = holder.entryIn(manifest);
    holder[Symbol.dispose]();
    expect(await rejection(finding)).toMatchObject({ name: "AbortError" });
    const [begun] = derive.mock.results;
    const { seed, mac } = await (begun?.value ?? expect.unreachable());
    await setImmediate();
    expect([isZero(seed.expose()), isZero(mac.expose())]).toEqual([true, true]);
  });

  test("a failed derivation is not an unhandled rejection", async () => {
    derive.mockRejectedValueOnce(new Error("no memory"));
    const holder = holding(OLD, world.identity);
    holder.prepare();
    holder[Symbol.dispose]();
    await setImmediate();
  });
});

test("a remembered recipient tells a wrong passphrase before a vault is made", async () => {
  using holder = holding("wrong", world.identity);
  const error = await rejection(holder.enrol("p1", { vault: "v", env: "prod", signer: "s" }));
  expect(error).toMatchObject({
    name: "WrongPassphraseError",
    message: "this is not the passphrase that was set at init",
    hint: "type it again, or set a new one with `vsync init --env=prod --reset`",
  });
});

test("the manifest's unproven words can neither control a terminal nor fill it", async () => {
  const evil = "\u001b]0;owned\u0007\u202e";
  const actor = { user: evil, host: "h".repeat(200), tool: "t" };
  const at = "2025-12-29T00:00:00.000Z";
  const manifest = { ...(await world.manifest()), repo: evil, actor, at, note: evil, meta: { evil } };
  using holder = holding("wrong");
  const error = await rejection(holder.unlock(manifest, { clock: world.clock }));
  const shown = "\ufffd]0;owned\ufffd\ufffd";
  expect(error).toMatchObject({
    message: `wrong passphrase for ${shown}/prod`,
    hint: expect.stringContaining(`the store says (unproven): changed 3 days ago by ${shown}@${"h".repeat(52)}…;`),
  });
});

describe("a use-case leaves no key behind", () => {
  const useCases: readonly [string, (by: string) => Promise<unknown>][] = [
    ["openVault", (by) => world.openAfresh(by)],
    ["openManifest", (by) => world.openManifest(by)],
    ["readAudit", (by) => world.audit({ by })],
    ["readHistory", (by) => world.history({ by })],
    ["diff", (by) => world.diff(1, undefined, { by, oldPassphrase: by })],
    ["reconcile", (by) => world.reconcile({ by })],
    ["push", (by) => world.push({ A: "2" }, { by })],
    ["a declined push", (by) => world.push({ A: "3" }, { by, confirm: () => false })],
    ["set", (by) => world.set({ B: "2" }, { by })],
    ["finish", (by) => world.finish({ by })],
    ["restore", (by) => world.restore(1, { by, oldPassphrase: by })],
    ["rotate", (by) => world.rotate(by, NEW, { graceMs: HOUR_MS })],
  ];

  /** The keys created while `act` runs, and those not zeroed afterwards. No value of these vaults is 32 bytes long. */
  async function keysLeftBy(act: () => Promise<unknown>): Promise<{ made: number; left: number }> {
    const made: Secret[] = [];
    const { ofBytes } = Secret;
    using spy = vi.spyOn(Secret, "ofBytes").mockImplementation((bytes) => {
      const secret = ofBytes(bytes);
      if (bytes.length === 32) made.push(secret);
      return secret;
    });
    await act();
    endHolders();
    await setImmediate();
    expect(spy).toHaveBeenCalled();
    return { made: made.length, left: made.filter((it) => it.expose().some((byte) => byte !== 0)).length };
  }

  beforeEach(endHolders);

  test.each(useCases)("%s, done or refused", async (_name, act) => {
    for (const acting of [() => rejection(act("wrong")), () => act(OLD)]) {
      const { made, left } = await keysLeftBy(acting);
      expect([made > 0, left]).toEqual([true, 0]);
    }
  });

  test("the first push, and what init keeps of a passphrase", async () => {
    world = await World.empty();
    expect(await keysLeftBy(() => world.push({ A: "1" }))).toEqual({ made: 2, left: 0 });
    expect(await keysLeftBy(() => freshHint(world.random, Secret.ofText(OLD)))).toEqual({ made: 2, left: 0 });
  });
});
