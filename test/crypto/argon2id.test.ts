import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  type Argon2id,
  argon2id,
  builtInArgon2id,
  DEFAULT_COST,
  type KdfCost,
  kdfCostFault,
  loadAddonArgon2id,
} from "../../src/crypto/argon2id.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { NotAuthenticError } from "../../src/errors.ts";
import { rejection } from "../support/world.ts";

const addon = (await loadAddonArgon2id()) ?? expect.unreachable("the addon does not load here");
const builtIn = builtInArgon2id();

const SALTS = [8, 9, 16, 63, 64].map((length) => new Uint8Array(length).map((_, at) => at));
const PASSPHRASES = ["x", "correct horse battery staple", " \t", "pässwörd \u{1f511}", "\u0000", "x".repeat(1025)];
const COSTS = [
  { memoryKiB: 8192, iterations: 1, parallelism: 1 },
  { memoryKiB: 8192, iterations: 1, parallelism: 16 },
  { memoryKiB: 8193, iterations: 2, parallelism: 3 },
  { memoryKiB: 9999, iterations: 3, parallelism: 4 },
  { memoryKiB: 8192, iterations: 16, parallelism: 2 },
  { memoryKiB: 65536, iterations: 1, parallelism: 7 },
];

async function hex(derive: Argon2id, passphrase: string, cost: KdfCost, length = 64): Promise<string> {
  return Buffer.from(await derive(new TextEncoder().encode(passphrase), cost, length)).toString("hex");
}

// Node has `crypto.argon2` from 24.7 on; older versions have only the addon.
describe.skipIf(builtIn === null)("the addon and the runtime's own Argon2id are equal", () => {
  const own: Argon2id = (...given) => (builtIn ?? expect.unreachable())(...given);
  const grid = COSTS.flatMap((cost) => SALTS.map((salt) => ({ ...cost, salt })));

  test.each(grid)("m=$memoryKiB t=$iterations p=$parallelism, salt of $salt.length bytes", async (cost) => {
    const passphrase = PASSPHRASES[grid.indexOf(cost) % PASSPHRASES.length] ?? "";
    expect(await hex(own, passphrase, cost)).toBe(await hex(addon, passphrase, cost));
  });

  test.each(PASSPHRASES.map((passphrase) => [JSON.stringify(passphrase.slice(0, 30)), passphrase]))(
    "passphrase %s",
    async (_name, passphrase) => {
      const cost = { ...COSTS[0], salt: SALTS[2] } as KdfCost;
      expect(await hex(own, passphrase, cost)).toBe(await hex(addon, passphrase, cost));
    },
  );

  test("at the default cost", async () => {
    const cost = { ...DEFAULT_COST, salt: new Uint8Array(16) };
    expect(await hex(own, "passphrase", cost)).toBe(await hex(addon, "passphrase", cost));
  });

  test("a salt and a passphrase that are views of a larger buffer", async () => {
    const around = Buffer.from("..passphrase....0123456789abcdef..");
    const cost = { memoryKiB: 8192, iterations: 1, parallelism: 1, salt: around.subarray(16, 32) };
    const expected = await hex(addon, "passphrase", { ...cost, salt: new TextEncoder().encode("0123456789abcdef") });
    for (const derive of [addon, own]) {
      expect(Buffer.from(await derive(around.subarray(2, 12), cost, 64)).toString("hex")).toBe(expected);
    }
  });
});

describe("the passphrase key", () => {
  const cost: KdfCost = { memoryKiB: 8192, iterations: 1, parallelism: 1, salt: new Uint8Array(16) };

  test("seed and mac are the two halves of Argon2id's output", async () => {
    const { seed, mac } = await derivePassphraseKey(Secret.ofText("passphrase"), cost);
    const halves = Buffer.concat([seed.expose(), mac.expose()]).toString("hex");
    expect(halves).toBe(await hex(argon2id, "passphrase", cost));
  });

  test("every bit of passphrase and cost counts", async () => {
    const others: readonly [string, KdfCost][] = [
      ["passphrase", cost],
      ["passphrase ", cost],
      ["Passphrase", cost],
      ["passphrase", { ...cost, salt: new Uint8Array(17) }],
      ["passphrase", { ...cost, iterations: 2 }],
      ["passphrase", { ...cost, parallelism: 2 }],
      ["passphrase", { ...cost, memoryKiB: 8193 }],
      // Not normalised: the same letter to the eye, but other bytes.
      ["p\u00e4ssphrase", cost],
      ["pa\u0308ssphrase", cost],
    ];
    const keys = await Promise.all(others.map(([text, it]) => derivePassphraseKey(Secret.ofText(text), it)));
    expect(new Set(keys.map(({ recipient }) => Buffer.from(recipient).toString("hex"))).size).toBe(others.length);
  });

  const bounds: readonly [Partial<KdfCost>, boolean][] = [
    [{ memoryKiB: 8192 }, true],
    [{ memoryKiB: 8191 }, false],
    [{ memoryKiB: 1048576 }, true],
    [{ memoryKiB: 1048577 }, false],
    [{ memoryKiB: 2 ** 53 }, false],
    [{ memoryKiB: 8192.5 }, false],
    [{ memoryKiB: Number.NaN }, false],
    [{ iterations: 0 }, false],
    [{ iterations: 16 }, true],
    [{ iterations: 17 }, false],
    [{ parallelism: 0 }, false],
    [{ parallelism: 16 }, true],
    [{ parallelism: 17 }, false],
    [{ salt: new Uint8Array(7) }, false],
    [{ salt: new Uint8Array(8) }, true],
    [{ salt: new Uint8Array(64) }, true],
    [{ salt: new Uint8Array(65) }, false],
  ];
  test.each(
    bounds.map(
      ([part, good]) => [inspect(part, { breakLength: Number.POSITIVE_INFINITY }).slice(0, 40), part, good] as const,
    ),
  )("bounds: %s", async (_name, part, good) => {
    expect(kdfCostFault({ ...cost, ...part }) === null).toBe(good);
    if (good) return;
    const error = await rejection(derivePassphraseKey(Secret.ofText("passphrase"), { ...cost, ...part }));
    expect(error).toBeInstanceOf(NotAuthenticError);
  });
});
