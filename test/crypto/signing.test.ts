import { expect, test } from "vitest";
import { generateSigningKey, importSigningKey, signEd25519, verifyEd25519 } from "../../src/crypto/signing.ts";
import { BundleCorruptError } from "../../src/errors.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("survives its PKCS#8 form and signs the same bytes alike", () => {
  const key = generateSigningKey();
  const again = importSigningKey(key.exportPkcs8());
  const message = Buffer.from("message");
  expect(again.publicKey).toEqual(key.publicKey);
  expect(hex(signEd25519(again, message))).toBe(hex(signEd25519(key, message)));
  expect(verifyEd25519(key.publicKey, message, signEd25519(key, message))).toBe(true);
  expect(verifyEd25519(generateSigningKey().publicKey, message, signEd25519(key, message))).toBe(false);
});

test("is refused in any other PKCS#8 form", () => {
  const pkcs8 = generateSigningKey().exportPkcs8();
  const altered = [pkcs8.subarray(1), Buffer.concat([pkcs8, Buffer.of(0)]), new Uint8Array(48), new Uint8Array()];
  for (const it of altered) expect(() => importSigningKey(it)).toThrow(BundleCorruptError);
});
