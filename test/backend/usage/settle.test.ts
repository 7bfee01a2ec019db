import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { type SignedUsage, settleUsage } from "../../../src/backend/usage/settle.ts";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { KnownTokens, type VerifiableToken } from "../../../src/tokens/access/verify.ts";
import { tokenIdOf } from "../../../src/tokens/credential.ts";
import { signStatement, type UsageClaims } from "../../../src/usage/statement.ts";

const NOW_MS = Date.parse("2026-11-30T09:00:00.000Z");
const VAULT = "AAAAAAAAAAAAAAAAAAAAAA";

function tokenOf(byte: number, claims: Partial<VerifiableToken> = {}) {
  const key = new Uint8Array(32).fill(byte);
  const [recipient, signing] = [x25519.getPublicKey(key), ed25519.getPublicKey(key)];
  const id = tokenIdOf(recipient, signing);
  const halves = { recipient: encodeBase64(recipient), signing: encodeBase64(signing) };
  const token: VerifiableToken = { id, kind: "live", capabilities: ["metering"], ...halves, ...claims };
  return { token, signer: { vault: VAULT, id, sign: (message: Uint8Array) => ed25519.sign(message, key) } };
}

const API = tokenOf(1, { backend: "api" });
const OTHER = tokenOf(2, { backend: "search" });
const MUTE = tokenOf(3, { backend: "api", capabilities: [] });
const ENDED = tokenOf(4, { backend: "api", not_after: "2026-11-30T08:59:00.000Z" });
const ENDS_NOW = tokenOf(7, { backend: "api", not_after: "2026-11-30T09:00:00.000Z" });
const ANY = tokenOf(8);
const FEW = tokenOf(5, { backend: "api", meters: ["jobs"] });
const GONE = tokenOf(6);
const KNOWN = new KnownTokens({
  vault: VAULT,
  gen: 1,
  verify: { tokens: [API, OTHER, MUTE, ENDED, ENDS_NOW, ANY, FEW].map(({ token }) => token) },
  ended: [GONE.token.id],
});

const REQUEST: SignedUsage = {
  id: "r-1",
  routeId: "jobs.create",
  backend: "api",
  signedAtMs: NOW_MS - 2000,
  meters: ["tokens_used", "jobs"],
  maxPerRequest: { tokens_used: 100 },
};
const CLAIMS = { iat: NOW_MS / 1000, request_id: "r-1", route_id: "jobs.create", usage: { tokens_used: 42 } };
const said = (claims: Partial<UsageClaims> = {}, by = API) => signStatement(by.signer, { ...CLAIMS, ...claims });
const settle = <H extends Headers | Record<string, string | string[]>>(
  headers: H,
  request: Partial<SignedUsage> = {},
) => settleUsage({ ...REQUEST, ...request }, headers, KNOWN, NOW_MS);

describe("what a response says", () => {
  test("counts, and does not reach the client", async () => {
    const headers = { "Vsync-Usage": said({ credits: { coins: 1 } }), "content-type": "text/plain", vsync_other: "1" };
    expect(await settle(headers)).toEqual({
      outcome: "ok",
      headers: { "content-type": "text/plain" },
      usage: { token: API.token.id, usage: { tokens_used: 42 }, credits: { coins: 1 } },
    });
    const { headers: sent } = await settle(new Headers(headers));
    expect([...sent.keys()]).toEqual(["content-type"]);
  });

  test("may announce its usage for later", async () => {
    const { outcome, usage } = await settle({ "vsync-usage": said({ usage: {}, pending: true }) });
    expect({ outcome, usage }).toMatchObject({ outcome: "ok", usage: { pending: true } });
    expect(usage).toHaveProperty("usage", {});
  });

  test("without usage is missing on a metered route, never 0, and fine on any other", async () => {
    expect(await settle({})).toMatchObject({ outcome: "missing" });
    expect(await settle({}, { meters: [] })).toEqual({ outcome: "ok", headers: {} });
  });

  test.each([
    ["a minute ahead", said({ iat: NOW_MS / 1000 + 60 })],
    ["a minute older than its request", said({ iat: NOW_MS / 1000 - 62 })],
    ["as much as one request may use", said({ usage: { tokens_used: 100 } })],
    ["of a token without a backend", said({}, ANY)],
  ])("counts at the edge: %s", async (_, header) => {
    expect(await settle({ "vsync-usage": header })).toMatchObject({ outcome: "ok" });
  });

  const tampered = `${said().slice(0, -4)}AAAA`;
  test.each<[string, string, string | string[], Partial<SignedUsage>?]>([
    ["malformed", "came more than once", [said(), said()]],
    ["malformed", "came more than once", `${said()}, ${said()}`],
    ["malformed", "not three parts", "42"],
    ["malformed", "must not be empty", said({ usage: {} })],
    ["refused", "is not signed by the token", tampered],
    ["refused", "unknown_key", said({}, tokenOf(9))],
    ["refused", "revoked", said({}, GONE)],
    ["refused", "has expired", said({}, ENDED)],
    ["refused", "has expired", said({}, ENDS_NOW)],
    ["refused", "lacks the capability metering", said({}, MUTE)],
    ["refused", "is of the backend search", said({}, OTHER)],
    ["refused", "belongs to another vault", said({}, { ...API, signer: { ...API.signer, vault: "other" } })],
    ["refused", "is for another request", said(), { id: "r-2" }],
    ["refused", "is for another route", said(), { routeId: "jobs.get" }],
    ["refused", "signed in the future", said({ iat: NOW_MS / 1000 + 61 })],
    ["refused", "older than the request", said({ iat: NOW_MS / 1000 - 63 })],
    ["refused", "does not have the meter cpu", said({ usage: { cpu: 1 } })],
    ["refused", "does not have the meter tokens_used", said({}, FEW)],
    ["refused", "one request may use 100", said({ usage: { tokens_used: 101 } })],
    ["refused", "does not have the meter tokens_used", said(), { meters: [] }],
  ])("is %s: it %s", async (outcome, reason, header, request) => {
    const settlement = await settle({ "content-type": "text/plain", "vsync-usage": header }, request);
    expect(settlement).toMatchObject({ outcome, reason: expect.stringContaining(reason) });
    expect(settlement.headers).toEqual({ "content-type": "text/plain" });
    expect(settlement.usage).toBeUndefined();
  });

  test("in two spellings of its name is malformed", async () => {
    expect(await settle({ "Vsync-Usage": said(), vsync_usage: said() })).toMatchObject({ outcome: "malformed" });
  });
});

test.each([
  ["expired_signature", true],
  ["clock_skew", true],
  ["unknown_key_id", true],
  ["bad_signature", undefined],
  ["replayed_nonce", undefined],
])("an origin's refusal with %s becomes a 502 for the client; sign anew: %s", async (code, signAnew) => {
  const settlement = await settle({ "content-type": "text/plain", "vsync-error": code, "vsync-usage": said() });
  expect(settlement).toMatchObject({ outcome: "refused", status: 502 });
  expect(settlement.headers).toEqual({ "content-type": "text/plain" });
  expect(settlement.signAnew).toBe(signAnew);
});

test("an app's own use of that header is not taken for a refusal", async () => {
  expect(await settle({ "vsync-error": "out_of_stock", "vsync-usage": said() })).toMatchObject({ outcome: "ok" });
});

test("a request that was signed anew is not signed a third time", async () => {
  const settlement = await settle({ "vsync-error": "expired_signature" }, { isAgain: true });
  expect(settlement).toMatchObject({ outcome: "refused", status: 502 });
  expect(settlement.signAnew).toBeUndefined();
});
