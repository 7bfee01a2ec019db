import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeEach, describe, expect, test } from "vitest";
import type { GatewayKey } from "../../src/backend/gateway-keys.ts";
import { NonceCache } from "../../src/backend/replay.ts";
import { type Verification, type VerifyRequestInput, verifyRequest } from "../../src/backend/verify-request.ts";
import { canonicalString, hashBody, signXFs, type XFsRequest } from "../../src/backend/x-fs.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";

const NOW_MS = Date.parse("2026-11-30T09:00:00.000Z");
const PRIVATE = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
const publicOf = (key: Uint8Array): string => encodeBase64(ed25519.getPublicKey(key));
const KEY: GatewayKey = { kid: "gw-1", public: publicOf(PRIVATE) };
const ROUTES = [
  { id: "jobs.create", method: "POST", path: "/v1/jobs" },
  { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
  { id: "upload", method: "PUT", path: "/files/*", body: "unsigned" },
] as const;

let atMs: number;
let origin: Verification;
beforeEach(() => {
  atMs = NOW_MS;
  const clock = { nowMs: () => atMs };
  origin = { vault: "v", backend: "api", keys: [KEY], routes: ROUTES, replay: new NonceCache(clock), clock };
});

const BODY = new TextEncoder().encode('{"name":"nightly"}');

interface Sent {
  /** What the gateway signs. */
  readonly signed?: Partial<XFsRequest>;
  /** What arrives instead. */
  readonly arrives?: Partial<VerifyRequestInput>;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly key?: Uint8Array;
  readonly origin?: Partial<Verification>;
}

async function send({ signed = {}, arrives = {}, headers = {}, key = PRIVATE, ...sent }: Sent) {
  const request: XFsRequest = {
    method: "POST",
    path: "/v1/jobs",
    query: "?dry=1",
    bodyHash: await hashBody(BODY),
    requestId: "r-1",
    timestamp: NOW_MS / 1000,
    businessId: "v",
    backendId: "api",
    routeId: "jobs.create",
    policyVersion: "3",
    context: null,
    ...signed,
  };
  const { method, path, query } = request;
  const input = { method, target: path + query, body: BODY, headers: { ...signXFs(request, "gw-1", key), ...headers } };
  return verifyRequest({ ...input, ...arrives }, { ...origin, ...sent.origin });
}

test("the canonical string has eleven lines", () => {
  const request = { method: "get", path: "/a", query: "", bodyHash: "STREAM", requestId: "r", timestamp: 1 };
  const rest = { businessId: "v", backendId: "api", routeId: "", policyVersion: "", context: null };
  expect(canonicalString({ ...request, ...rest }).split("\n")).toEqual([
    "method:GET",
    "path:/a",
    "query:",
    "body-hash:STREAM",
    "request-id:r",
    "timestamp:1",
    "business-id:v",
    "backend-id:api",
    "route-id:",
    "policy-version:",
    "context-hash:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ]);
});

test("a gateway signs no line break, which would add a line", () => {
  const lines = { routeId: "a\npolicy-version:9" };
  return expect(send({ signed: lines })).rejects.toThrow("routeId has a line break");
});

test("a request that came through the gateway", async () => {
  expect(await send({ signed: { context: "signed" } })).toEqual({
    requestId: "r-1",
    keyId: "gw-1",
    backend: "api",
    routeId: "jobs.create",
    policyVersion: "3",
    bodyVerified: true,
    context: "signed",
  });
});

const seconds = (count: number): Partial<XFsRequest> => ({ timestamp: NOW_MS / 1000 + count });
const signature = (change: (text: string) => string) => async (): Promise<Sent> => {
  return { headers: { "x-fs-signature": change("A".repeat(86)) } };
};

/** Exactly one thing is wrong with each. */
const REFUSED: readonly [string, string, Sent | (() => Promise<Sent>)][] = [
  ["no signature", "missing_signature", { headers: { "x-fs-signature": undefined } }],
  ["an empty signature", "missing_signature", { headers: { "x-fs-signature": "" } }],
  ["a signature that is not base64url", "malformed_signature", signature(() => "a+b=")],
  ["a signature that is short", "bad_signature", signature((text) => text.slice(4))],
  ["two key ids", "malformed_signature", { headers: { "x-fs-key-id": ["gw-1", "gw-2"] } }],
  ["a list of key ids", "malformed_signature", { headers: { "x-fs-key-id": "gw-1, gw-2" } }],
  ["the same header in another case", "malformed_signature", { headers: { "X-FS-Key-Id": "gw-1" } }],
  ["no key id", "malformed_signature", { headers: { "x-fs-key-id": undefined } }],
  ["a timestamp with an exponent", "malformed_signature", { headers: { "x-fs-timestamp": "1e9" } }],
  ["a clock that is behind", "clock_skew", { signed: seconds(-301) }],
  ["an old request", "expired_signature", { signed: seconds(-306) }],
  ["a request of the future", "expired_signature", { signed: seconds(306) }],
  ["a key that is unknown", "unknown_key_id", { origin: { keys: [] } }],
  ["a key of tomorrow", "unknown_key_id", { origin: { keys: [{ ...KEY, not_before: "2026-12-01T00:00:00.000Z" }] } }],
  ["a key that ended", "unknown_key_id", { origin: { keys: [{ ...KEY, not_after: "2026-11-30T09:00:00.000Z" }] } }],
  ["another key's signature", "bad_signature", { key: OTHER }],
  ["another method", "bad_signature", { arrives: { method: "PUT" } }],
  ["another path", "bad_signature", { arrives: { target: "/v1/jobs/?dry=1" } }],
  ["another query", "bad_signature", { arrives: { target: "/v1/jobs?dry=2" } }],
  ["a query without its ?", "bad_signature", { arrives: { target: "/v1/jobs" } }],
  ["a context that was not signed", "bad_signature", { headers: { "x-fs-context": "x" } }],
  ["another vault", "route_mismatch", { signed: { businessId: "w" } }],
  ["another backend", "route_mismatch", { signed: { backendId: "web" } }],
  ["a key of another gateway", "route_mismatch", { origin: { keys: [{ ...KEY, backends: ["web"] }] } }],
  ["no route", "route_unknown", { signed: { routeId: "" } }],
  ["a route that is not declared", "route_unknown", { signed: { routeId: "jobs.delete" } }],
  ["the id of another route", "route_mismatch", { signed: { routeId: "jobs.get" } }],
  ["a path that is not canonical", "route_mismatch", { signed: { path: "/v1//jobs" } }],
  ["a route outside the token's", "route_mismatch", { origin: { allowed: ["GET /v1/jobs/{id}"] } }],
  ["a body that says it is large", "body_too_large", { headers: { "content-length": "10485761" } }],
  ["a body that is large", "body_too_large", { arrives: { body: new Uint8Array(10 * 1024 * 1024 + 1) } }],
  ["another body", "body_hash_mismatch", { arrives: { body: new Uint8Array(3) } }],
  ["no body", "body_hash_mismatch", { arrives: { body: null } }],
  ["an unsigned body where it must be signed", "body_hash_mismatch", { signed: { bodyHash: "STREAM" } }],
];

test.each(REFUSED)("refuses %s: %s", async (_title, code, sent) => {
  await expect(send(typeof sent === "function" ? await sent() : sent)).rejects.toMatchObject({
    code,
    status: code === "body_too_large" ? 413 : 401,
  });
});

describe("routes", () => {
  const get = { method: "GET", path: "/v1/jobs/7", query: "", routeId: "jobs.get" };

  test("HEAD is served as GET, within the token's routes too", async () => {
    const bodyHash = await hashBody(new Uint8Array());
    const head = { ...get, method: "HEAD", bodyHash };
    const allowed = { allowed: ["GET /v1/jobs/{id}"] };
    expect(await send({ signed: head, arrives: { body: null }, origin: allowed })).toMatchObject({
      routeId: "jobs.get",
    });
  });

  test("an upload is served without a look at its body, and says so", async () => {
    const upload = { method: "PUT", path: "/files/a/b", query: "", routeId: "upload", bodyHash: "STREAM" };
    const body = (): Promise<never> => Promise.reject(new Error("the body was read"));
    expect(await send({ signed: upload, arrives: { body } })).toMatchObject({ bodyVerified: false });
  });

  test("a backend and a token without routes serve what was signed", async () => {
    const { routes: _, ...without } = origin;
    origin = without;
    expect(await send({ signed: { routeId: "" } })).toMatchObject({ routeId: "" });
  });
});

describe("the order", () => {
  test("reads no body before the signature holds", async () => {
    let reads = 0;
    const body = async (): Promise<Uint8Array> => {
      reads++;
      return BODY;
    };
    await expect(send({ key: OTHER, arrives: { body } })).rejects.toMatchObject({ code: "bad_signature" });
    expect(reads).toBe(0);
    await send({ arrives: { body } });
    expect(reads).toBe(1);
  });

  test("claims the request last: one that is refused may come again as it should be", async () => {
    await expect(send({ arrives: { body: null } })).rejects.toMatchObject({ code: "body_hash_mismatch" });
    await send({});
  });
});

describe("a replay", () => {
  test("is refused as long as its timestamp would be taken, and one by another key is not one", async () => {
    await send({ signed: seconds(300) });
    atMs += 600_000;
    await expect(send({ signed: seconds(300) })).rejects.toMatchObject({ code: "replayed_nonce" });
    atMs += 6_000;
    await expect(send({ signed: seconds(300) })).rejects.toMatchObject({ code: "expired_signature" });
  });

  test("of two at once only one is served", async () => {
    const sent = await Promise.allSettled([send({}), send({})]);
    expect(sent.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  test("a store that fails refuses the request", async () => {
    const replay = { claim: () => Promise.reject(new Error("no answer")) };
    await expect(send({ origin: { replay } })).rejects.toThrow("no answer");
  });

  test("a full cache refuses with 503 and forgets nothing too early", async () => {
    const replay = new NonceCache(origin.clock, 1);
    await send({ origin: { replay } });
    const second = { signed: { requestId: "r-2" }, origin: { replay } };
    await expect(send(second)).rejects.toMatchObject({ code: "nonce_cache_full", status: 503 });
    atMs += 307_000;
    const later = { timestamp: atMs / 1000, requestId: "r-2" };
    await send({ signed: later, origin: { replay } });
  });
});
