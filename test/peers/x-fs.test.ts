import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { EMPTY_HASH, hashBody } from "../../src/backend/signed/body-hash.ts";
import type { RequestToSign } from "../../src/backend/signed/claim.ts";
import { canonicalString, signXFs } from "../../src/backend/signed/x-fs.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { verifyRequest } from "../../src/backend/verify/verify-request.ts";
import { encodeBase64, encodeBase64Url } from "../../src/crypto/base64.ts";
import { viewOf } from "../backend/fixture.ts";
import { sampled } from "../support/samples.ts";

/*
 * npm's `@farthershore/backend` 0.21.2, unchanged: it verifies what our gateway signs in profile `x-fs`, ours verifies what
 * its own signer makes, and both refuse with the same code where exactly one thing is wrong.
 */

/** Fetches a package on the first run of a machine. */
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
});

const text = fc.string({ minLength: 1, maxLength: 12 }).filter((it) => !/[\n\r,]/.test(it) && it.trim() === it);
const paths = fc.webPath().map((it) => `/${it.replace(/^\/+/, "")}`);
const queries = fc.constantFrom("", "?", "?a=1&b=%20", "??x");
const request: fc.Arbitrary<RequestToSign & { body: Uint8Array }> = fc.record({
  method: fc.constantFrom("GET", "post", "DELETE"),
  target: fc.tuple(paths, queries).map((parts) => parts.join("")),
  contentType: fc.constant(null),
  contentEncoding: fc.constant(null),
  body: fc.uint8Array({ maxLength: 40 }),
  bodyHash: fc.constant(null),
  requestId: text,
  created: fc.integer({ min: NOW - 300, max: NOW + 300 }),
  expires: fc.constant(0),
  vault: fc.constant("v"),
  backend: fc.constant("api"),
  routeId: fc.constantFrom("", "jobs.create"),
  policyVersion: text,
  context: fc.constant(null),
});

/** Each way in which exactly one thing is wrong: with the claim before it is signed, or with what arrives. */
const faults = fc.constantFrom<((it: Sent) => void)[]>(
  () => undefined,
  (it) => void (it.claim = { ...it.claim, created: NOW - 303 }),
  (it) => void (it.claim = { ...it.claim, created: NOW + 999 }),
  (it) => void (it.claim = { ...it.claim, vault: "w" }),
  (it) => void (it.claim = { ...it.claim, backend: "web" }),
  (it) => void (it.kid = "gw-9"),
  (it) => void (it.method = "PATCH"),
  (it) => void (it.target = it.target.replace("?", "x?")),
  (it) => void (it.target += "&"),
  (it) => void (it.body = Uint8Array.of(...it.body, 1)),
  (it) => void (it.without = "x-fs-signature"),
  (it) => void (it.without = "x-fs-request-id"),
  (it) => void (it.without = "x-fs-policy-version"),
  (it) => void (it.signature = (old) => `${old.slice(0, 9)}${old[9] === "A" ? "B" : "A"}${old.slice(10)}`),
  (it) => void (it.signature = () => "*"),
);

interface Sent {
  claim: RequestToSign;
  kid: string;
  method: string;
  target: string;
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
  const view = viewOf("x-fs", { keys, backend: { routes: undefined } });
  return verifyRequest({ ...sent, headers }, { view, replay: new NonceCache(clock), clock });
}

const splitTarget = (target: string): [string, string] => {
  const at = `${target}?`.indexOf("?");
  return [target.slice(0, at), target.slice(at)];
};

function theirs(sent: Omit<Sent, "claim" | "kid" | "without" | "signature">, headers: Headers): Promise<unknown> {
  const jwks = testing.memoryJwks([{ kty: "OKP", crv: "Ed25519", x: encodeBase64Url(PUBLIC), kid: "gw-1" }]);
  const { method, target, body } = sent;
  const [path, query] = splitTarget(target);
  const deps = { jwks, nonceCache: new peer.NonceCache(), businessId: "v", backendId: "api", nowSeconds: () => NOW };
  return peer.verifyRequest({ method, path, query, headers, body }, deps);
}

describe("beside npm's @farthershore/backend", () => {
  test("the canonical strings are the same", () => {
    fc.assert(
      fc.property(request, (it) => {
        const [path, query] = splitTarget(it.target);
        const names = { timestamp: it.created, businessId: it.vault, backendId: it.backend, contextHash: EMPTY_HASH };
        const input = { ...it, ...names, path, query, bodyHash: "STREAM" };
        expect(canonicalString(input)).toBe(peer.buildCanonicalSigningString(input));
      }),
      sampled(500),
    );
  });

  test("our signatures are accepted, or refused for the same reason", async () => {
    const codes = new Map<unknown, number>();
    await fc.assert(
      fc.asyncProperty(request, faults, async ({ body, ...claim }, breaks) => {
        const { method, target } = claim;
        const rest = { kid: "gw-1", without: "", signature: (old: string) => old };
        const sent: Sent = { claim: { ...claim, bodyHash: await hashBody(body) }, method, target, body, ...rest };
        breaks(sent);
        const signed = signXFs(sent.claim, { kid: sent.kid, privateKey: PRIVATE });
        const headers: Headers = { ...signed, "x-fs-signature": sent.signature(signed["x-fs-signature"] ?? "") };
        delete headers[sent.without];
        const [mine, other] = await Promise.all([codeOf(ours(sent, headers)), codeOf(theirs(sent, headers))]);
        expect(mine).toBe(other);
        codes.set(mine, (codes.get(mine) ?? 0) + 1);
      }),
      sampled(10_000),
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
    expect(await ours({ method: "POST", target: input.path + input.query, body }, headers)).toMatchObject({
      backend: "api",
      contextToken: "a.b.c",
      bodyVerified: true,
    });
  });
});
