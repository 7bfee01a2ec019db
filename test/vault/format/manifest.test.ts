import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { parseNote, signNote } from "../../../src/crypto/note.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { VsyncError } from "../../../src/errors.ts";
import { encodeManifest, type Manifest, noteName, parseManifest } from "../../../src/vault/format/manifest.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { mutatedBytes, mutatedJson, sampled } from "../../support/samples.ts";
import { HOUR_MS, NEW, OLD, World } from "../../support/world.ts";

const anyKey = generateSigningKey();

/** Generation 2, in a grace window: the entry of the new passphrase, then that of the old one. */
let world: World;
let manifest: Manifest;
beforeAll(async () => {
  world = await World.pushed();
  await world.rotate(OLD, NEW, {
    graceMs: HOUR_MS,
    note: "über \u{1f511} \u2028",
    meta: { b: [1, { a: null }], a: true },
  });
  manifest = await world.manifest(NEW);
});

/** Parses a manifest from any JSON; parsing does not check the signature. */
function parsed(json: unknown) {
  return parseManifest(signNote(`${JSON.stringify(json)}\n`, noteName(manifest.vault), anyKey));
}

function expectRefused(json: unknown, fault: string): void {
  expect(() => parsed(json)).toThrow(
    expect.objectContaining({ name: "NotAuthenticError", message: `the manifest ${fault}` }),
  );
}

test("an encoded manifest parses and encodes to the same text", () => {
  const bytes = world.bytes(MANIFEST_KEY);
  expect(parsed(manifest).manifest).toEqual(manifest);
  expect(parseNote(encodeManifest(manifest, anyKey), "it").text).toBe(parseNote(bytes, "it").text);
});

test("with any byte or field altered, a manifest opens nothing", async () => {
  const genuine = world.bytes(MANIFEST_KEY);
  const signature = Buffer.from(genuine).toString().split("\n\n")[1];
  const either = fc.oneof(
    mutatedBytes(genuine),
    mutatedJson(manifest).map((json) => Buffer.from(`${JSON.stringify(json)}\n\n${signature}`)),
  );
  await fc.assert(
    fc.asyncProperty(either, async (bytes) => {
      fc.pre(Buffer.compare(bytes, genuine) !== 0);
      const error = await world
        .fork()
        .tamper(MANIFEST_KEY, bytes)
        .open(NEW)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(VsyncError);
      expect((error as Error).name).toMatch(/^(NotAuthentic|UnsupportedSpecVersion|WrongPassphrase)Error$/);
    }),
    sampled(400),
  );
});

// The vectors in test/vectors/data/manifest cover the other refusals.
test.each([[null], [1], ["vsync-manifest-v1"], [[]], [{}], [{ format: 1 }], [[{ format: "vsync-manifest-v1" }]]])(
  "%j has no format",
  (json) => {
    expectRefused(json, "has no format");
  },
);

describe("a field of the wrong form is named", () => {
  const bundle = (change: object): object => ({ bundle: { ...manifest.bundle, ...change } });
  test.each<[string, object | (() => object)]>([
    ["vault", { vault: "AAAA" }],
    ["vault", { vault: `${"A".repeat(21)}B` }],
    ["prev", { prev: "0".repeat(63) }],
    ["at", { at: "2026-01-01T00:00:00.000Z\n" }],
    ["rotated_at", { rotated_at: "2026-01-01T24:00:00.000Z" }],
    ["meta", { meta: null }],
    ["constructor", { constructor: 1 }],
    ["bundle.key", () => bundle({ key: "20260101T000000000Z" })],
    ["bundle.key", () => bundle({ key: "v=20260230T000000000Z" })],
    ["unlock.0", { unlock: [[]] }],
    ["unlock.0", { unlock: ["passphrase"] }],
  ])("%s: %j", (field, change) => {
    const changed = typeof change === "function" ? change() : change;
    expectRefused({ ...manifest, ...changed }, `has a field of the wrong form: "${field}"`);
  });

  const withEntry = (change: object): object => ({ ...manifest, unlock: [{ ...manifest.unlock[0], ...change }] });

  test.each([
    [undefined, "it"],
    [null, "it"],
    ["argon2id", "it"],
    [[], "name"],
    [{ name: null }, "name"],
    [{ name: "argon2id" }, "salt"],
  ])("a key derivation that is %j", (kdf, field) => {
    expectRefused(withEntry({ kdf }), `has a field of the wrong form: "${field}"`);
  });

  test("a slot's name has 1…64 letters, digits, dashes and underscores", () => {
    for (const slot of ["", "a b", "é", "a".repeat(65)]) {
      expectRefused(withEntry({ slot }), 'has a field of the wrong form: "slot"');
    }
    const slot = "Az09_-".padEnd(64, "x");
    expect(parsed(withEntry({ slot })).manifest.unlock[0]).toMatchObject({ slot });
  });

  test("without what would move a terminal or fill it", () => {
    const fault = (name: string) => `has a field of the wrong form: ${name}`;
    expectRefused({ ...manifest, "\u001b[2J\u202e": 1 }, fault('"\ufffd[2J\ufffd"'));
    expectRefused({ ...manifest, ["k".repeat(64)]: 1 }, fault(`"${"k".repeat(64)}"`));
    expectRefused({ ...manifest, ["k".repeat(65)]: 1 }, fault(`"${"k".repeat(64)}…"`));
  });
});

test("an entry's kind is a word", () => {
  expectRefused({ ...manifest, unlock: [manifest.unlock[0], { kind: 1 }] }, "has an unlock entry without a kind");
});
