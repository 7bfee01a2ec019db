import { expect, test } from "vitest";
import { decodeBase64, decodeCheckedBase64, encodeBase64 } from "../../src/crypto/base64.ts";

test.each(["A", "AAE", "AAF=", "AAE=\n", " AAE=", "AA-_", "AA=E", "AAE=AAE="])("%j is no canonical base64", (text) => {
  expect(decodeBase64(text)).toBeNull();
  expect(() => decodeCheckedBase64(text)).toThrow(new TypeError("unchecked base64"));
});

test.each(["", "AA==", "AAE=", "AAEC", "+/+/"])("%j is", (text) => {
  const bytes = decodeBase64(text) ?? expect.unreachable();
  expect(encodeBase64(bytes)).toBe(text);
  expect(decodeCheckedBase64(text)).toEqual(bytes);
});
