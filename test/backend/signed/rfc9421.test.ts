import { ed25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { signText } from "../../../src/backend/signed/ed25519.ts";
import { signatureBase } from "../../../src/backend/signed/rfc9421.ts";
import { decodeCheckedBase64, encodeBase64 } from "../../../src/crypto/base64.ts";
import { verifyText } from "../../../src/tokens/signature.ts";
import { signedHeaders, toSign } from "../fixture.ts";

test("RFC 9421, B.2.6: the base and the signature of an Ed25519 request", async () => {
  // The 32 bytes at the end of test-key-ed25519 (B.1.4).
  const seed = decodeCheckedBase64("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF").subarray(16);
  const base = signatureBase(
    [
      ["date", "Tue, 20 Apr 2021 02:07:55 GMT"],
      ["@method", "POST"],
      ["@path", "/foo"],
      ["@authority", "example.com"],
      ["content-type", "application/json"],
      ["content-length", "18"],
    ],
    '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
  );
  const signature = signText({ kid: "test-key-ed25519", privateKey: seed }, base);
  expect(encodeBase64(signature)).toBe(
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
  );
  expect(await verifyText({ public: encodeBase64(ed25519.getPublicKey(seed)) }, signature, base)).toBe(true);
});

test("what a gateway sends", async () => {
  const request = await toSign({ requestId: "AAAAAAAAAAAAAAAAAAAAAA", context: "eA" });
  expect(signedHeaders("rfc9421", request)).toEqual({
    "content-type": "application/json",
    "vsync-request": 'vault="v";backend="api";route="jobs.create"',
    "vsync-context": "eA",
    "content-digest": expect.stringMatching(/^sha-256=:[A-Za-z0-9+/]{43}=:$/),
    "signature-input":
      'vsync=("@method" "@path" "@query" "vsync-request" "vsync-context" "content-type" "content-digest")' +
      ';created=1796029200;expires=1796029260;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="gw-1";alg="ed25519";tag="vsync-gateway-1"',
    signature: expect.stringMatching(/^vsync=:[A-Za-z0-9+/]{86}==:$/),
  });
});
