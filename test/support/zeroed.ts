import { vi } from "vitest";

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Records every array that `prototype` zeroes from now on; a Buffer's `fill` differs from a Uint8Array's. */
export function zeroedOf(prototype: Uint8Array): Uint8Array[] {
  const zeroed: Uint8Array[] = [];
  const { fill } = prototype;
  vi.spyOn(prototype, "fill").mockImplementation(function (this: Uint8Array, ...given) {
    zeroed.push(this);
    return fill.apply(this, given);
  });
  return zeroed;
}
