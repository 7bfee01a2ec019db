import { expect, test } from "vitest";
import { Signer } from "../../src/s3/sign.ts";

/** The example of "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API Reference. */
const KEYS = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const REQUEST = {
  method: "GET",
  url: new URL("https://examplebucket.s3.amazonaws.com/test.txt"),
  headers: { range: "bytes=0-9" },
  region: "us-east-1",
  nowMs: Date.parse("2013-05-24T00:00:00.789Z"),
};
const DAY_MS = 86_400_000;

test("the example of Amazon's documentation has its signature", () => {
  expect(new Signer().sign(REQUEST, KEYS)).toEqual({
    range: "bytes=0-9",
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-amz-date": "20130524T000000Z",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
      "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  });
});

test.each([
  ["the same again", REQUEST, KEYS],
  ["another secret key", REQUEST, { ...KEYS, secretAccessKey: "another" }],
  ["another day", { ...REQUEST, nowMs: REQUEST.nowMs + DAY_MS }, KEYS],
  ["another region", { ...REQUEST, region: "eu_west_1" }, KEYS],
])("a signer that has signed before signs as a new one: %s", (_, request, keys) => {
  const signer = new Signer();
  signer.sign(REQUEST, KEYS);
  expect(signer.sign(request, keys)).toEqual(new Signer().sign(request, keys));
});

test("a session token is signed", () => {
  const { authorization, ...headers } = new Signer().sign(REQUEST, { ...KEYS, sessionToken: "token" });
  expect(headers["x-amz-security-token"]).toBe("token");
  expect(authorization).toContain(";x-amz-date;x-amz-security-token,");
});
