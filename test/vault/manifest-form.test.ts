import { beforeAll, describe, expect, test } from "vitest";
import { signNote } from "../../src/crypto/note.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { type Manifest, noteName, parseManifest } from "../../src/vault/format/manifest.ts";
import type { PassphraseEntry } from "../../src/vault/format/unlock-entry.ts";
import { passphrasesIn } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, World } from "../support/world.ts";

/** Generation 2, inside a grace window. */
let manifest: Manifest;
let operator: PassphraseEntry;
let reader: PassphraseEntry;
beforeAll(async () => {
  const world = await World.pushed();
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  const opened = await world.open(NEW);
  ({ manifest } = opened);
  [operator = expect.unreachable(), reader = expect.unreachable()] = passphrasesIn(manifest);
});

const anyKey = generateSigningKey();

/** Reads a manifest of any JSON; its signature is not looked at here. */
function parsed(json: unknown) {
  return parseManifest(signNote(`${JSON.stringify(json)}\n`, noteName(manifest.vault), anyKey));
}

function expectRefused(json: unknown, fault: string): void {
  expect(() => parsed(json)).toThrow(
    expect.objectContaining({ name: "NotAuthenticError", message: `the manifest ${fault}` }),
  );
}

test("the genuine one is taken", () => {
  expect(parsed(manifest).manifest).toEqual(manifest);
});

test.each([
  [null],
  [1],
  ["vsync-manifest-v1"],
  [true],
  [[]],
  [{}],
  [{ format: 1 }],
  [[{ format: "vsync-manifest-v1" }]],
])("%j has no format", (json) => {
  expectRefused(json, "has no format");
});

test("of a later format: upgrade", () => {
  expect(() => parsed({ format: "vsync-manifest-v2", other: [] })).toThrow(
    expect.objectContaining({
      name: "UnsupportedSpecVersionError",
      message: 'the manifest has the unknown format "vsync-manifest-v2"',
    }),
  );
});

describe("its place in the chain", () => {
  const DIGEST = "0".repeat(64);
  const links = "does not link to the generation before it as it must";
  test.each<[string, object, string]>([
    ["a generation left out", { gen: 3 }, "has a gen that does not follow its prev_gen"],
    [
      "a generation left out, with a row to match",
      { prev_gen: 0, audit: { gen: 0, sha256: DIGEST } },
      "has a gen that does not follow its prev_gen",
    ],
    ["the first generation with links", { gen: 1, prev_gen: 0 }, links],
    ["the first generation with a row", { gen: 1, prev_gen: 0, prev: undefined }, links],
    ["the first generation with a manifest before it", { gen: 1, prev_gen: 0, audit: undefined }, links],
    ["a later one without a row", { audit: undefined }, links],
    ["a later one without a manifest before it", { prev: undefined }, links],
    [
      "the row of another generation",
      { audit: { gen: 2, sha256: DIGEST } },
      "links to the audit row of another generation",
    ],
  ])("%s", (_name, change, fault) => {
    expectRefused({ ...manifest, ...change }, fault);
  });

  test("the first generation links to none", () => {
    const { audit: _audit, prev: _prev, ...unlinked } = manifest;
    expect(parsed({ ...unlinked, gen: 1, prev_gen: 0 }).manifest.gen).toBe(1);
  });
});

describe("its slots", () => {
  const named = (count: number): object[] =>
    Array.from({ length: count }, (_, at) => ({ ...operator, slot: `s${at}` }));
  const others = (count: number): object[] => Array.from({ length: count }, () => ({ kind: "scoped" }));

  test.each<[string, () => object[], string]>([
    ["none", () => [], "has 0 passphrase slots, not 1…4"],
    ["of unknown kinds alone", () => others(2), "has 0 passphrase slots, not 1…4"],
    ["five of a passphrase", () => named(5), "has 5 passphrase slots, not 1…4"],
    ["one without a kind", () => [operator, { slot: "x" }], "has an unlock entry without a kind"],
    ["one of a kind that is no word", () => [operator, { kind: 1 }], "has an unlock entry without a kind"],
    ["two of one name", () => [operator, { ...reader, slot: operator.slot }], "names a slot twice"],
    ["readers alone", () => [reader], "has no slot that may write"],
    ["65 in all", () => [operator, ...others(64)], 'has a field of the wrong form: "unlock"'],
  ])("%s", (_name, unlock, fault) => {
    expectRefused({ ...manifest, unlock: unlock() }, fault);
  });

  test("four of a passphrase, and 64 in all, are taken", () => {
    expect(parsed({ ...manifest, unlock: named(4) }).manifest.unlock).toHaveLength(4);
    expect(parsed({ ...manifest, unlock: [...others(63), operator] }).manifest.unlock).toHaveLength(64);
  });

  test.each([
    [undefined, "it"],
    [null, "it"],
    [1, "it"],
    ["argon2id", "it"],
    [[], "name"],
    [{}, "name"],
    [{ name: null }, "name"],
    [{ name: "argon2id" }, "salt"],
  ])("a key derivation that is %j", (kdf, field) => {
    expectRefused({ ...manifest, unlock: [{ ...operator, kdf }] }, `has a field of the wrong form: "${field}"`);
  });

  test("a key derivation of a later version: upgrade, whatever its fields are", () => {
    expect(() => parsed({ ...manifest, unlock: [{ ...operator, kdf: { name: "argon3", lanes: 1 } }] })).toThrow(
      expect.objectContaining({
        name: "UnsupportedSpecVersionError",
        message: 'the manifest uses the unknown key derivation "argon3"',
      }),
    );
  });

  test("a key derivation out of bounds", () => {
    expectRefused(
      { ...manifest, unlock: [{ ...operator, kdf: { ...operator.kdf, parallelism: 17 } }] },
      "is refused: key derivation parallelism is 17, outside 1…16",
    );
  });
});

describe("its fields", () => {
  const bundle = (change: object): object => ({ bundle: { ...manifest.bundle, ...change } });
  test.each<[string, object | (() => object)]>([
    ["vault", { vault: "AAAA" }],
    ["vault", { vault: `${"A".repeat(21)}B` }],
    ["signer", { signer: "AAAA" }],
    ["signer", { signer: base64OfZeros(31) }],
    ["prev_signer", { prev_signer: base64OfZeros(33) }],
    ["prev", { prev: "0".repeat(63) }],
    ["prev", { prev: "A".repeat(64) }],
    ["at", { at: "2026-02-30T00:00:00.000Z" }],
    ["at", { at: "2026-01-01T00:00:00Z" }],
    ["at", { at: "2026-01-01T00:00:00.000Z\n" }],
    ["rotated_at", { rotated_at: "2026-01-01T24:00:00.000Z" }],
    ["meta", { meta: [] }],
    ["meta", { meta: null }],
    ["note", { note: 1 }],
    ["more", { more: 1 }],
    ["constructor", { constructor: 1 }],
    ["bundle.key", () => bundle({ key: "20260101T000000000Z" })],
    ["bundle.key", () => bundle({ key: "v=20260230T000000000Z" })],
    ["bundle.key", () => bundle({ key: "v=../manifest" })],
    ["bundle.size", () => bundle({ size: 64 * 1024 * 1024 + 1 })],
    ["bundle.sha256", () => bundle({ sha256: "" })],
    ["unlock.0", { unlock: [[]] }],
    ["unlock.0", { unlock: ["passphrase"] }],
  ])("%s: %j", (field, change) => {
    const changed = typeof change === "function" ? change() : change;
    expectRefused({ ...manifest, ...changed }, `has a field of the wrong form: "${field}"`);
  });

  test("a bundle of 64 MiB is the largest", () => {
    const size = 64 * 1024 * 1024;
    expect(parsed({ ...manifest, ...bundle({ size }) }).manifest.bundle.size).toBe(size);
  });

  test.each(["", "a b", "é", "a".repeat(65)])("a slot named %j", (slot) => {
    expectRefused({ ...manifest, unlock: [{ ...operator, slot }] }, 'has a field of the wrong form: "slot"');
  });

  test("a slot's name of 64 characters is the longest", () => {
    const slot = "Az09_-".padEnd(64, "x");
    expect(passphrasesIn(parsed({ ...manifest, unlock: [{ ...operator, slot }] }).manifest)[0]?.slot).toBe(slot);
  });

  test("what a field is called cannot move a terminal, nor fill it", () => {
    const fault = (name: string) => `has a field of the wrong form: ${name}`;
    expectRefused({ ...manifest, "\u001b[2J\u202e": 1 }, fault('"\ufffd[2J\ufffd"'));
    expectRefused({ ...manifest, ["k".repeat(64)]: 1 }, fault(`"${"k".repeat(64)}"`));
    expectRefused({ ...manifest, ["k".repeat(65)]: 1 }, fault(`"${"k".repeat(64)}…"`));
  });
});

function base64OfZeros(bytes: number): string {
  return Buffer.alloc(bytes).toString("base64");
}
