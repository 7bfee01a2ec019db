import type { KeyObject } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { deriveRootKey } from "../../src/crypto/subkeys.ts";
import type { Random } from "../../src/ports.ts";
import { type OpenedVault } from "../../src/vault/open/open.ts";
import { openBundle, openSigningKey } from "../../src/vault/open/open-bundle.ts";
import { freshHint } from "../../src/vault/unlock/passphrase-holder.ts";
import { ownEntry, slotOpener } from "../support/passphrases.ts";
import { endHolders, HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  endHolders();
  world = await World.pushed({ A: "the first", B: "the second" });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** A detached buffer was given back whole. */
const isZero = (bytes: Uint8Array): boolean => bytes.buffer.byteLength === 0 || bytes.every((byte) => byte === 0);

/** Every secret that is destroyed from now on. */
function destroyedFromNow(): Secret[] {
  const destroyed: Secret[] = [];
  const { destroy } = Secret.prototype;
  vi.spyOn(Secret.prototype, "destroy").mockImplementation(function (this: Secret) {
    destroyed.push(this);
    destroy.call(this);
  });
  return destroyed;
}

function bytesOf({ manifest }: OpenedVault): Uint8Array {
  return world.store.bucket.get(manifest.bundle.key)?.bytes ?? expect.unreachable();
}

function opening({ manifest, unlocked }: OpenedVault, bytes: Uint8Array) {
  return openBundle(bytes, manifest, (header) => unlocked.openSlot(header));
}

/** The bundle with one bit of its index's box altered. */
function withIndexAltered(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a);
  const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as { index: string };
  const index = Buffer.from(header.index, "base64");
  index[index.length - 1] = (index.at(-1) ?? 0) ^ 1;
  const text = JSON.stringify({ ...header, index: index.toString("base64") });
  return Buffer.concat([Buffer.from(`${text}\n`), bytes.subarray(end + 1)]);
}

test.each([
  ["an operator", OLD, 2, false],
  ["a reader", OLD, 1, true],
])("%s's bundle that does not open leaves no key", async (_name, passphrase, keys, inGrace) => {
  if (inGrace) await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  const vault = await world.open(passphrase);
  const altered = withIndexAltered(bytesOf(vault));
  const destroyed = destroyedFromNow();
  expect(await rejection(opening(vault, altered))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle's index does not decrypt",
  });
  expect(destroyed.map((it) => [it.expose().length, isZero(it.expose())])).toEqual(
    Array.from({ length: keys }, () => [32, true]),
  );
});

test("nor, where one item does not decrypt, what the items before it held", async () => {
  const vault = await world.open();
  const bytes = Uint8Array.from(bytesOf(vault));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  const destroyed = destroyedFromNow();
  expect(await rejection(opening(vault, bytes))).toMatchObject({ name: "BundleCorruptError" });
  expect(destroyed.map((it) => it.expose().length)).toEqual(["the first".length, 32, 32]);
  expect(destroyed.every((it) => isZero(it.expose()))).toBe(true);
});

test("one that opens keeps its keys until whoever opened it is done", async () => {
  const vault = await world.open();
  const destroyed = destroyedFromNow();
  const { keys, items } = await opening(vault, bytesOf(vault));
  expect(destroyed).toEqual([]);
  expect([isZero(keys.rootKey.expose()), items.length]).toEqual([false, 2]);
});

test("a slot that seals another key than its entry says is refused", async () => {
  const { manifest } = await world.open();
  const { entry, key } = await ownEntry(manifest, OLD);
  const asReader = slotOpener({ key, entry: { ...entry, not_after: "2026-01-01T01:00:00.000Z" } });
  expect(await rejection(openBundle(world.bytes(manifest.bundle.key), manifest, asReader))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle has a slot p1 that seals O, not R",
  });
});

/** All bytes that are zeroed from now on, and what they held before, in hex. */
function zeroedFromNow(): Map<Uint8Array, string> {
  const zeroed = new Map<Uint8Array, string>();
  const { fill } = Uint8Array.prototype;
  vi.spyOn(Uint8Array.prototype, "fill").mockImplementation(function (this: Uint8Array, ...given) {
    zeroed.set(this, hex(this));
    return fill.apply(this, given);
  });
  return zeroed;
}

test("the signing key's PKCS#8 form is zeroed once it has been read", async () => {
  const { header, keys } = (await world.open()).bundle;
  const operatorKey = keys.operatorKey ?? expect.unreachable();
  const zeroed = zeroedFromNow();
  expect(openSigningKey(header, operatorKey).publicKey).toHaveLength(32);
  expect([...zeroed.keys()].map(({ length }) => length)).toEqual([32, 48]);
  expect([...zeroed.keys()].every(isZero)).toBe(true);
});

test("what a commit seals with is zeroed: the operator key that it draws, its root key, the signing key's PKCS#8 form", async () => {
  const { privateKey } = generateSigningKey();
  const drawn: Uint8Array[] = [];
  const random: Random = {
    bytes(length) {
      const bytes = Uint8Array.from(world.random.bytes(length));
      if (length === 32) drawn.push(bytes.slice());
      return bytes;
    },
  };
  const exporting = vi.spyOn(Object.getPrototypeOf(privateKey) as KeyObject, "export");
  const zeroed = zeroedFromNow();
  await world.with({ random }).push({ A: "2" });
  const [operatorKey = expect.unreachable()] = drawn;
  const keys = [operatorKey, deriveRootKey(operatorKey)].map(hex);
  expect([...zeroed.values()].filter((held) => keys.includes(held)).toSorted()).toEqual(keys.toSorted());
  expect([...zeroed.keys()].every(isZero)).toBe(true);
  const exported = exporting.mock.results.map(({ value }) => value as Uint8Array);
  expect(exported.map((bytes) => [bytes.length, isZero(bytes)])).toEqual([[48, true]]);
});

describe("whatever keys a use case derives or opens, none is left when it ends", () => {
  const no = async () => false;
  const useCases: readonly [string, (passphrase: string) => Promise<unknown>][] = [
    ["openVault", (passphrase) => world.openAfresh(passphrase)],
    ["openManifest", (passphrase) => world.openManifest(passphrase)],
    ["readAudit", (passphrase) => world.audit({ by: passphrase })],
    ["readHistory", (passphrase) => world.history({ by: passphrase })],
    ["diff", (passphrase) => world.diff(1, undefined, { by: passphrase, oldPassphrase: passphrase })],
    ["reconcile", (passphrase) => world.reconcile({ by: passphrase })],
    ["push", (passphrase) => world.push({ A: "2" }, { by: passphrase })],
    ["a push that is declined", (passphrase) => world.push({ A: "3" }, { by: passphrase, confirm: no })],
    ["set", (passphrase) => world.set({ B: "2" }, { by: passphrase })],
    ["finish", (passphrase) => world.finish({ by: passphrase })],
    ["restore", (passphrase) => world.restore(1, { by: passphrase, oldPassphrase: passphrase })],
    ["rotate", (passphrase) => world.rotate(passphrase, NEW, { graceMs: HOUR_MS })],
  ];

  /** The keys that are made while `act` runs and are not zeroed after it; no value of these vaults has their length. */
  async function keysLeftBy(act: () => Promise<unknown>): Promise<{ made: number; left: number }> {
    const made: Secret[] = [];
    const { ofBytes } = Secret;
    vi.spyOn(Secret, "ofBytes").mockImplementation((bytes) => {
      const secret = ofBytes(bytes);
      if (bytes.length === 32) made.push(secret);
      return secret;
    });
    await act();
    endHolders();
    await setImmediate();
    return { made: made.length, left: made.filter((it) => !isZero(it.expose())).length };
  }

  test.each(useCases)("%s", async (_name, act) => {
    const { made, left } = await keysLeftBy(() => act(OLD));
    expect(made).toBeGreaterThan(0);
    expect(left).toBe(0);
  });

  test.each(useCases)("%s, refused", async (_name, act) => {
    const { made, left } = await keysLeftBy(() => rejection(act("wrong")));
    expect(made).toBeGreaterThan(0);
    expect(left).toBe(0);
  });

  test("the first push, and what init keeps of a passphrase", async () => {
    world = await World.empty();
    expect(await keysLeftBy(() => world.push({ A: "1" }))).toEqual({ made: 2, left: 0 });
    vi.restoreAllMocks();
    expect(await keysLeftBy(() => freshHint(world.random, Secret.ofText(OLD)))).toEqual({ made: 2, left: 0 });
  });
});
