import type { KeyObject } from "node:crypto";
import { expect, test, vi } from "vitest";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { deriveRootKey } from "../../../src/crypto/subkeys.ts";
import { World } from "../../support/world.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** Also works for memory that has been released. */
const isZero = (bytes: Uint8Array): boolean => /^0*$/.test(hex(bytes));

/** The arrays that are zeroed from now on, with their earlier content. */
function zeroing(): ReadonlyMap<Uint8Array, string> {
  const zeroed = new Map<Uint8Array, string>();
  // A Buffer has its own `fill`.
  for (const prototype of [Uint8Array.prototype, Buffer.prototype as Uint8Array]) {
    const { fill } = prototype;
    vi.spyOn(prototype, "fill").mockImplementation(function (this: Uint8Array, ...given) {
      zeroed.set(this, hex(this));
      return fill.apply(this, given);
    });
  }
  return zeroed;
}

test("a commit zeroes what it sealed with: operator key, root key and the signing key's PKCS#8 form", async () => {
  const world = await World.pushed();
  const drawn: Uint8Array[] = [];
  const bytes = (length: number) => {
    const random = Uint8Array.from(world.random.bytes(length));
    if (length === 32) drawn.push(random.slice());
    return random;
  };
  const exporting = vi.spyOn(Object.getPrototypeOf(generateSigningKey().privateKey) as KeyObject, "export");
  const zeroed = zeroing();
  await world.with({ random: { bytes } }).push({ A: "2" });
  vi.restoreAllMocks();
  const [operatorKey = expect.unreachable()] = drawn;
  const keys = [operatorKey, deriveRootKey(operatorKey)].map(hex);
  expect([...zeroed.values()].filter((held) => keys.includes(held)).toSorted()).toEqual(keys.toSorted());
  expect([...zeroed.keys()].every(isZero)).toBe(true);
  const exported = exporting.mock.results.map(({ value }) => value as Uint8Array);
  expect(exported.map((pkcs8) => [pkcs8.length, isZero(pkcs8)])).toEqual([[48, true]]);
});

test("a commit zeroes what it sealed for tokens: view, slot and boxes", async () => {
  const world = await World.pushed({ A: "1", B: "2" });
  await world.createToken({ grants: [{ scopes: { secrets: { read: { filters: { name: "A" } } } } }] });
  await world.rotateGatewayKeys();
  const zeroed = zeroing();
  await world.push({ A: "2", B: "2" });
  vi.restoreAllMocks();
  // At least four letters: a key may begin with fewer by chance.
  const start = /^\{"[a-z]{4,}"/;
  const starts = [...zeroed.values()].flatMap((held) => start.exec(Buffer.from(held, "hex").toString()) ?? []);
  // What was opened was zeroed before.
  const sealed = ["items", "claims", "tokens", "anchors", "tokens", "keys"];
  expect(starts.slice(-sealed.length)).toEqual(sealed.map((name) => `{"${name}"`));
  expect([...zeroed.keys()].every(isZero)).toBe(true);
});
