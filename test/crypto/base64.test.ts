import { expect, test } from "vitest";
import { decodeBase64, decodeCheckedBase64, encodeBase64, encodeBase64Url } from "../../src/crypto/base64.ts";

test.each(["A", "AAE", "AAF=", "AAE=\n", " AAE=", "AA-_", "AA=E", "AAE=AAE="])("%j is not canonical base64", (text) => {
  expect(decodeBase64(text)).toBeNull();
  expect(() => decodeCheckedBase64(text)).toThrow(new TypeError("unchecked base64"));
});

test.each(["", "AA==", "AAE=", "AAEC", "+/+/"])("%j is", (text) => {
  const bytes = decodeBase64(text) ?? expect.unreachable();
  expect(encodeBase64(bytes)).toBe(text);
  expect(decodeCheckedBase64(text)).toEqual(bytes);
});

test("base64url has no padding and its own two letters", () => {
  const around = Uint8Array.of(1, 0xfb, 0xff, 0xbf, 0xfb, 1);
  expect(encodeBase64Url(around.subarray(1, 5))).toBe("-_-_-w");
  expect(encodeBase64Url(new Uint8Array())).toBe("");
});
