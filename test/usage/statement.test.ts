import { expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../src/tokens/base64.ts";
import { parseStatement, parseUsageClaims, signStatement } from "../../src/usage/statement.ts";

const ID = `tok_${"0".repeat(32)}`;
const signer = { vault: "v", id: ID, sign: () => new Uint8Array(64) };
const CLAIMS = { iat: 1, request_id: "r", route_id: "", usage: { tokens_used: 42 } };
const refuse = (fault: string) => new Error(fault);

const compact = (header: string, payload: string) =>
  [header, payload].map((part) => toBase64Url(new TextEncoder().encode(part))).join(".") + ".AAAA";
const HEADER = `{"alg":"EdDSA","typ":"vsync-usage+jwt","kid":"${ID}"}`;
const claimsOf = (jwt: string) => parseUsageClaims(parseStatement(jwt, refuse), refuse);
const payloadOf = (jwt: string) => new TextDecoder().decode(fromBase64Url(jwt.split(".")[1]!) ?? undefined);

test("a statement says what was reported, in one spelling", () => {
  const jwt = signStatement(signer, {
    usage: { b: 2, a: 1 },
    route_id: "x",
    request_id: "r",
    iat: 7,
    credits: { c: 3 },
  });
  expect(payloadOf(jwt)).toBe(
    '{"iss":"vsync:v","iat":7,"request_id":"r","route_id":"x","usage":{"b":2,"a":1},"credits":{"c":3}}',
  );
  expect(claimsOf(jwt)).toMatchObject({ iss: "vsync:v", usage: { a: 1, b: 2 } });
  expect(parseStatement(jwt, refuse).keyId).toBe(ID);
});

test.each([
  ["another type", compact(HEADER.replace("usage", "access"), "{}"), "has another header than usage has"],
  ["another member in the header", compact(HEADER.replace("{", '{"b64":false,'), "{}"), "has another header"],
  ["none", compact(HEADER.replace("EdDSA", "none"), "{}"), "has another header"],
  ["two parts", "e30.e30", "is not three parts"],
  ["padding", `${compact(HEADER, "{}")}=`, "is not three parts"],
  ["4097 characters", "a".repeat(4097), "has more than 4096 characters"],
])("a statement with %s is refused", (_what, jwt, fault) => {
  expect(() => parseStatement(jwt, refuse)).toThrow(fault);
});

test.each([
  [{ usage: {} }, "a claim usage that must not be empty"],
  [{ usage: { tokens_used: -1 } }, "a number that is not an integer"],
  [{ usage: { tokens_used: 0.5 } }, "a number that is not an integer"],
  [{ usage: { tokens_used: "1" } }, "which is not a meter with an integer"],
  [{ usage: { "Tokens-used": 1 } }, "which is not a meter with an integer"],
  [{ usage: { 12: 1 } }, "a key of digits only"],
  [{ usage: [1] }, "a claim usage that must be an object"],
  [{ pending: true }, "a claim usage that must be empty where it is pending"],
  [{ pending: false, usage: {} }, "a claim pending that must be true"],
  [{ credits: {} }, "a claim credits that must not be empty"],
  [{ context: "gpt" }, "a claim context that must be an object"],
  [{ request_id: "" }, "a claim request_id that must be a string that is not empty"],
  [{ iat: "1" }, "a claim iat that must be an integer"],
  [{ subject: "ann" }, 'the unknown claim "subject"'],
] as const)("claims with %j are refused", (change, fault) => {
  const claims = { iss: "vsync:v", ...CLAIMS, ...change };
  expect(() => claimsOf(compact(HEADER, JSON.stringify(claims)))).toThrow(fault);
});
