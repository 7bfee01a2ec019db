import { beforeEach, expect, test, vi } from "vitest";
import { derivePassphraseKey, destroyPassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { COST, rejection } from "../support/world.ts";
import { isZero } from "../support/zeroed.ts";

interface Derivation {
  readonly passphrase: string;
  readonly end: (out: Uint8Array | Error) => void;
}
const begun: Derivation[] = [];

vi.mock("../../src/crypto/argon2id.ts", async (original) => ({
  ...(await original<object>()),
  argon2id: (message: Uint8Array) =>
    new Promise<Uint8Array>((resolve, reject) => {
      const end = (out: Uint8Array | Error) => (out instanceof Error ? reject(out) : resolve(out));
      begun.push({ passphrase: Buffer.from(message).toString(), end });
    }),
}));

const derive = (passphrase: string, options = {}) =>
  derivePassphraseKey(Secret.ofText(passphrase), { ...COST, salt: new Uint8Array(16) }, options);
const names = () => begun.map(({ passphrase }) => passphrase);
const OUT = Uint8Array.from({ length: 64 }, (_, at) => at);

beforeEach(() => {
  begun.length = 0;
});

test("a derivation starts at once if none is pending, and again after all have ended", async () => {
  for (const passphrase of ["a", "b"]) {
    const deriving = derive(passphrase);
    expect(names().at(-1)).toBe(passphrase);
    begun.at(-1)?.end(OUT);
    await deriving;
  }
});

test("one runs at a time, in turn, and the next starts even if one fails", async () => {
  const [a, b, c] = [derive("a"), derive("b"), derive("c")];
  expect(names()).toEqual(["a"]);
  begun[0]?.end(new Error("no memory"));
  expect(await rejection(a)).toMatchObject({ message: "no memory" });
  await vi.waitFor(() => expect(names()).toEqual(["a", "b"]));
  begun[1]?.end(OUT);
  await b;
  await vi.waitFor(() => expect(names()).toEqual(["a", "b", "c"]));
  begun[2]?.end(OUT);
  await c;
});

test("one that is aborted while it waits never starts", async () => {
  const controller = new AbortController();
  const [a, b] = [derive("a"), derive("b", { signal: controller.signal })];
  controller.abort();
  begun[0]?.end(OUT);
  await a;
  expect(await rejection(b)).toMatchObject({ name: "AbortError" });
  expect(names()).toEqual(["a"]);
});

test("the derived halves are the seed and the endorsement's key, and are zeroed together", async () => {
  const deriving = derive("a");
  begun[0]?.end(OUT.slice());
  const key = await deriving;
  expect([key.seed.expose(), key.mac.expose()]).toEqual([OUT.slice(0, 32), OUT.slice(32)]);
  destroyPassphraseKey(key);
  expect([key.seed, key.mac].map((half) => isZero(half.expose()))).toEqual([true, true]);
});
