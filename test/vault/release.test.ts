import { expect, test } from "vitest";
import { release } from "../../src/vault/release.ts";

test("the memory of bytes of their own is given back", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  release(bytes);
  expect(bytes.length).toBe(0);
});

test("bytes that share their memory stay as they are", () => {
  const whole = Uint8Array.of(1, 2, 3, 4);
  for (const part of [whole.subarray(0, 3), whole.subarray(1)]) release(part);
  expect(whole).toEqual(Uint8Array.of(1, 2, 3, 4));
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  release(shared);
  expect(shared.length).toBe(4);
});
