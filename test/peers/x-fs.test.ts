import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { NonceCache } from "../../src/backend/replay.ts";
import { verifyRequest } from "../../src/backend/verify-request.ts";
import { canonicalString, hashBody, signXFs, type XFsRequest } from "../../src/backend/x-fs.ts";
import { encodeBase64, encodeBase64Url } from "../../src/crypto/base64.ts";
import { sampled } from "../support/samples.ts";

/*
 * npm's `@farthershore/backend` 0.21.2, unchanged: it verifies what our gateway signs in profile `x-fs`, ours verifies what
 * its own signer makes, and both refuse with the same code where exactly one thing is wrong.
 */

/** Fetches a package on the first run of a machine. */
const FETCH_LIMIT_MS = 120_000;
const PRIVATE = new Uint8Array(32).fill(1);
const PUBLIC = ed25519.getPublicKey(PRIVATE);
const NOW = 1_780_000_000;
const clock = { nowMs: () => NOW * 1000 };

type Headers = Record<string, string>;
interface Signed {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: Uint8Array | null;
}
type Claim = Record<string, unknown>;
interface Peer {
  buildCanonicalSigningString(input: object): string;
  verifyRequest(input: object, deps: object): Promise<{ requestId: string }>;
  NonceCache: new () => object;
}
interface PeerTesting {
  memoryJwks(keys: readonly object[]): object;
  makeSignedRequest(spec: object): Promise<{ input: Signed; headers: Headers; claim: Claim }>;
}

let peer: Peer;
let testing: PeerTesting;
beforeAll(async () => {
  const folder = join(
    await fetchPackages(join(import.meta.dirname, "../support/peers")),
    "node_modules/@farthershore/backend/dist",
  );
  peer = (await import(pathToFileURL(join(folder, "index.js")).href)) as Peer;
  testing = (await import(pathToFileURL(join(folder, "testing/index.js")).href)) as PeerTesting;
}, FETCH_LIMIT_MS);

const text = fc.string({ minLength: 1, maxLength: 12 }).filter((it) => !/[\n\r,]/.test(it) && it.trim() === it);
const request: fc.Arbitrary<XFsRequest & { body: Uint8Array }> = fc.record({
  method: fc.constantFrom("GET", "post", "DELETE"),
  path: fc.webPath().map((path) => `/${path.replace(/^\/+/, "")}`),
  query: fc.constantFrom("", "?", "?a=1&b=%20", "??x"),
  body: fc.uint8Array({ maxLength: 40 }),
  bodyHash: fc.constant(""),
  requestId: text,
  timestamp: fc.integer({ min: NOW - 300, max: NOW + 300 }),
  businessId: fc.constant("v"),
  backendId: fc.constant("api"),
  routeId: fc.constantFrom("", "jobs.create"),
  policyVersion: text,
  context: fc.constantFrom(null),
});

/** How exactly one thing is wrong: with the claim before it is signed, or with what arrives. */
const faults = fc.constantFrom<((it: Sent) => void)[]>(
  () => undefined,
  (it) => void (it.claim = { ...it.claim, timestamp: NOW - 303 }),
  (it) => void (it.claim = { ...it.claim, timestamp: NOW + 999 }),
  (it) => void (it.claim = { ...it.claim, businessId: "w" }),
  (it) => void (it.claim = { ...it.claim, backendId: "web" }),
  (it) => void (it.kid = "gw-9"),
  (it) => void (it.method = "PATCH"),
  (it) => void (it.path += "x"),
  (it) => void (it.query += "&"),
  (it) => void (it.body = Uint8Array.of(...it.body, 1)),
  (it) => void (it.without = "x-fs-signature"),
  (it) => void (it.without = "x-fs-request-id"),
  (it) => void (it.without = "x-fs-policy-version"),
  (it) => void (it.signature = (old) => `${old.slice(0, 9)}${old[9] === "A" ? "B" : "A"}${old.slice(10)}`),
  (it) => void (it.signature = () => "*"),
);

interface Sent {
  claim: XFsRequest;
  kid: string;
  method: string;
  path: string;
  query: string;
  body: Uint8Array;
  without: string;
  signature: (old: string) => string;
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "accepted",
    (error: unknown) => (error as { code?: unknown }).code ?? error,
  );

function ours(sent: Omit<Sent, "claim" | "kid" | "without" | "signature">, headers: Headers): Promise<unknown> {
  const keys = [{ kid: "gw-1", public: encodeBase64(PUBLIC) }];
  const origin = { vault: "v", backend: "api", keys, replay: new NonceCache(clock), clock };
  const { method, path, query, body } = sent;
  return verifyRequest({ method, target: path + query, headers, body }, origin);
}

function theirs(sent: Omit<Sent, "claim" | "kid" | "without" | "signature">, headers: Headers): Promise<unknown> {
  const jwks = testing.memoryJwks([{ kty: "OKP", crv: "Ed25519", x: encodeBase64Url(PUBLIC), kid: "gw-1" }]);
  const { method, path, query, body } = sent;
  const deps = { jwks, nonceCache: new peer.NonceCache(), businessId: "v", backendId: "api", nowSeconds: () => NOW };
  return peer.verifyRequest({ method, path, query, headers, body }, deps);
}

describe("beside npm's @farthershore/backend", () => {
  test("the canonical strings are the same", () => {
    fc.assert(
      fc.property(request, (it) => {
        const contextHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        expect(canonicalString(it)).toBe(peer.buildCanonicalSigningString({ ...it, contextHash }));
      }),
      sampled(500),
    );
  });

  test("what we sign is accepted, or refused for the same reason", { timeout: FETCH_LIMIT_MS }, async () => {
    const codes = new Map<unknown, number>();
    await fc.assert(
      fc.asyncProperty(request, faults, async ({ body, ...claim }, breaks) => {
        const { method, path, query } = claim;
        const rest = { kid: "gw-1", without: "", signature: (old: string) => old };
        const sent: Sent = { claim: { ...claim, bodyHash: await hashBody(body) }, method, path, query, body, ...rest };
        breaks(sent);
        const signed = signXFs(sent.claim, sent.kid, PRIVATE);
        const headers: Headers = { ...signed, "x-fs-signature": sent.signature(signed["x-fs-signature"] ?? "") };
        delete headers[sent.without];
        const [mine, other] = await Promise.all([codeOf(ours(sent, headers)), codeOf(theirs(sent, headers))]);
        expect(mine).toBe(other);
        codes.set(mine, (codes.get(mine) ?? 0) + 1);
      }),
      sampled(1000),
    );
    expect([...codes.keys()].map(String).toSorted()).toEqual([
      "accepted",
      "bad_signature",
      "body_hash_mismatch",
      "clock_skew",
      "expired_signature",
      "malformed_signature",
      "missing_signature",
      "route_mismatch",
      "unknown_key_id",
    ]);
  });

  test("ours accepts what its own signer makes", async () => {
    const d = encodeBase64Url(PRIVATE);
    const privateJwk = { kty: "OKP", crv: "Ed25519", d, x: encodeBase64Url(PUBLIC) };
    const claim = { businessId: "v", backendId: "api", kid: "gw-1", timestamp: NOW, contextToken: "a.b.c" };
    const body = new TextEncoder().encode("{}");
    const spec = { ...claim, privateJwk, method: "POST", path: "/v1/jobs", query: "?dry=1", body };
    const { input, headers } = await testing.makeSignedRequest(spec);
    expect(await ours({ ...input, body }, headers)).toMatchObject({
      backend: "api",
      context: "a.b.c",
      bodyVerified: true,
    });
  });
});
