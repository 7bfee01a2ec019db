import { describe, expect, test, vi } from "vitest";
import type { KdfCost } from "../../src/crypto/argon2id.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../src/vault/format/manifest.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { PassphraseEntry } from "../../src/vault/format/unlock-entry.ts";
import { openVault } from "../../src/vault/open/open.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { holding, passphrasesIn } from "../support/passphrases.ts";
import { COST, clockAt, ENV, OLD, rejection, World } from "../support/world.ts";

/** Every derived cost, and the number of derivations in parallel. */
const derived: KdfCost[] = [];
let running = 0;
let mostAtOnce = 0;

vi.mock("../../src/crypto/argon2id.ts", async (original) => {
  const real = await original<typeof import("../../src/crypto/argon2id.ts")>();
  return {
    ...real,
    argon2id: async (message: Uint8Array, cost: KdfCost, length: number) => {
      derived.push(cost);
      mostAtOnce = Math.max(mostAtOnce, ++running);
      return real.argon2id(message, cost, length).finally(() => running--);
    },
  };
});

const world = await World.pushed();
const genuine = parseManifest(world.store.bucket.get(MANIFEST_KEY)?.bytes ?? expect.unreachable());
const entry = passphrasesIn(genuine.manifest)[0] ?? expect.unreachable();

function costing(change: Partial<PassphraseEntry["kdf"]>, slot = "p1"): PassphraseEntry {
  return { ...entry, slot, kdf: { ...entry.kdf, ...change } };
}

/** Opens a manifest altered by a writer without a passphrase, signed with the writer's own key. */
async function openForged(unlock: readonly PassphraseEntry[], hint?: KdfCost): Promise<unknown> {
  derived.length = mostAtOnce = 0;
  const key = generateSigningKey();
  const forged: Manifest = { ...genuine.manifest, signer: encodeBase64(key.publicKey), unlock: [...unlock] };
  const store = MemoryStore.of({ [MANIFEST_KEY]: encodeManifest(forged, key) });
  const request = { holder: holding(OLD, hint && { cost: hint }), expect: { env: ENV } };
  return rejection(openVault({ store, clock: clockAt(0) }, request));
}

describe("no key is derived until every cost is within the bounds", () => {
  const beyond = [
    { memory_kib: 8191 },
    { memory_kib: 2 ** 32 },
    { iterations: 17 },
    { parallelism: 0 },
    { salt: "AA==" },
  ];

  test.each(beyond)("%j, in the only slot and behind a good one", async (change) => {
    for (const unlock of [[costing(change)], [entry, costing(change, "p2")]]) {
      expect(await openForged(unlock)).toMatchObject({ name: "NotAuthenticError" });
      expect(derived).toEqual([]);
    }
  });

  test.each([
    [{ memoryKiB: 2 ** 22 }],
    [{ iterations: 10_000 }],
    [{ parallelism: 1000 }],
    [{ salt: new Uint8Array(1) }],
  ])("a token's hint out of bounds derives nothing: %j", async (change) => {
    const hint = { ...COST, salt: new Uint8Array(16), ...change };
    expect(await openForged([costing({ memory_kib: 1048577 })], hint)).toMatchObject({ name: "NotAuthenticError" });
    expect(derived).toEqual([]);
  });

  test("an unknown kind of derivation is refused, not tried as another kind", async () => {
    expect(await openForged([costing({ name: "scrypt" })])).toMatchObject({ name: "UnsupportedSpecVersionError" });
    expect(derived).toEqual([]);
  });
});

describe("four slots at most, one after another", () => {
  const slots = (count: number): PassphraseEntry[] =>
    Array.from({ length: count }, (_, at) =>
      costing({ salt: encodeBase64(new Uint8Array(16).fill(at + 1)) }, `p${at}`),
    );

  test("four that do not match cost four derivations, never two at once", async () => {
    expect(await openForged(slots(4))).toMatchObject({ name: "WrongPassphraseError" });
    expect(derived).toHaveLength(4);
    expect(mostAtOnce).toBe(1);
  });

  test("four of one cost and salt are derived once", async () => {
    const same = slots(4).map((slot) => ({ ...slot, kdf: entry.kdf, recipient: encodeBase64(new Uint8Array(32)) }));
    expect(await openForged(same)).toMatchObject({ name: "WrongPassphraseError" });
    expect(derived).toHaveLength(1);
  });

  test("an outdated hint in the token costs time, not memory: never two at once", async () => {
    const hint = { ...COST, salt: new Uint8Array(16) };
    expect(await openForged(slots(2), hint)).toMatchObject({ name: "WrongPassphraseError" });
    expect(derived).toHaveLength(3);
    expect(mostAtOnce).toBe(1);
  });

  test("five are refused", async () => {
    expect(await openForged(slots(5))).toMatchObject({ name: "NotAuthenticError" });
    expect(derived).toEqual([]);
  });
});
