import { webcrypto } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { verifyRequest } from "../../src/backend/verify/verify-request.ts";
import { encodeBase64Url } from "../../src/crypto/base64.ts";
import { BODY, NOW_MS, SEED, signedHeaders, toSign, viewOf } from "../backend/fixture.ts";
import { sampled } from "../support/samples.ts";

/*
 * npm's `http-message-sig` 0.3.0, unchanged: it verifies what our gateway signs in profile `rfc9421`, and our origin
 * verifies what it signs.
 */

const NOW = NOW_MS / 1000;
const COMPONENTS = ["@method", "@path", "@query", "vsync-request"];

interface Peer {
  createSignature(message: object, options: object): Promise<{ signature: string; signatureInput: string }>;
  verifySignature(message: object, options: object): Promise<{ label: string }>;
  webcrypto: { signer(key: unknown): object; verifier(key: unknown): object };
}
let peer: Peer;
let signer: object;
let verifier: object;
beforeAll(async () => {
  const packages = await fetchPackages(join(import.meta.dirname, "../support/peers"));
  const entry = join(packages, "node_modules/http-message-sig/dist/index.mjs");
  peer = (await import(pathToFileURL(entry).href)) as Peer;
  const jwk = { kty: "OKP", crv: "Ed25519", x: encodeBase64Url(ed25519.getPublicKey(SEED)) };
  const imported = (key: object, usage: "sign" | "verify") =>
    webcrypto.subtle.importKey("jwk", key, "Ed25519", true, [usage]);
  signer = peer.webcrypto.signer(await imported({ ...jwk, d: encodeBase64Url(SEED) }, "sign"));
  verifier = peer.webcrypto.verifier(await imported(jwk, "verify"));
});

type Headers = Readonly<Record<string, string>>;

const messageOf = (method: string, target: string, headers: Headers) => ({
  kind: "request",
  method,
  targetUri: `https://api.example${target}`,
  requestTarget: target,
  fields: Object.entries(headers).map(([name, value]) => ({ name, value })),
});

const ours = (method: string, target: string, headers: Headers, body: Uint8Array | null) => {
  const clock = { nowMs: () => NOW_MS };
  return verifyRequest(
    { method, target, headers, body },
    { view: viewOf("rfc9421"), replay: new NonceCache(clock), clock },
  );
};

describe("beside npm's http-message-sig", () => {
  test.each([
    ["with a body, a context and a query", { context: "eA", contentEncoding: "gzip, br" }],
    ["without a query", { target: "/v1/jobs" }],
    ["with an empty query", { target: "/v1/jobs?" }],
    ["without a body", { method: "GET", target: "/v1/jobs/7?a=%2F", contentType: null, bodyHash: null }],
  ])("it verifies what we sign: %s", async (_, changes) => {
    const request = await toSign(changes);
    const policy = {
      algorithms: ["ed25519"],
      requiredComponents: COMPONENTS,
      requiredParameters: ["created", "expires", "nonce", "keyid", "alg", "tag"],
      maxAge: 60,
      now: NOW,
    };
    const message = messageOf(request.method, request.target, signedHeaders("rfc9421", request));
    const verified = peer.verifySignature(message, { policy, resolveVerifier: () => verifier });
    expect(await verified).toMatchObject({ label: "vsync", algorithm: "ed25519" });
  });

  test("we verify what it signs", async () => {
    const { signature: _, "signature-input": __, ...headers } = signedHeaders("rfc9421", await toSign());
    const components = [...COMPONENTS, "content-type", "content-digest"];
    const window = { created: NOW, expires: NOW + 60, nonce: "AAAAAAAAAAAAAAAAAAAAAA" };
    const parameters = { ...window, keyid: "gw-1", alg: "ed25519", tag: "vsync-gateway-1" };
    const message = messageOf("POST", "/v1/jobs?dry=1", headers);
    const signed = await peer.createSignature(message, { label: "vsync", components, parameters, signer });
    const all = { ...headers, signature: signed.signature, "signature-input": signed.signatureInput };
    expect(await ours("POST", "/v1/jobs?dry=1", all, BODY)).toMatchObject({ routeId: "jobs.create" });
  });

  /** Changes one byte of what arrives. */
  const mutated = fc.record({ place: fc.nat(), at: fc.nat(), to: fc.integer({ min: 0x20, max: 0x7e }) });

  test("of requests with another byte somewhere we accept none that it refuses", async () => {
    const request = await toSign({ context: "eyJzdWJqZWN0IjoiYW5uIn0" });
    const whole = { ...signedHeaders("rfc9421", request), ":method": request.method, ":target": request.target };
    const places = Object.keys(whole) as (keyof typeof whole)[];
    const policy = {
      algorithms: ["ed25519"],
      requiredComponents: COMPONENTS,
      requiredParameters: ["created"],
      maxAge: 60,
    };
    const options = { label: "vsync", policy: { ...policy, now: NOW }, resolveVerifier: () => verifier };
    const isKept = (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => true,
        () => false,
      );
    const counts = { both: 0, neither: 0, itAlone: 0 };
    await fc.assert(
      fc.asyncProperty(mutated, async ({ place, at, to }) => {
        const name = places[place % places.length] as keyof typeof whole;
        const value = whole[name];
        const index = at % value.length;
        const byte = String.fromCharCode(to);
        const changed = { ...whole, [name]: value.slice(0, index) + byte + value.slice(index + 1) };
        const { ":method": method, ":target": target, ...headers } = changed;
        const [mine, its] = await Promise.all([
          isKept(ours(method, target, headers, BODY)),
          isKept(Promise.resolve().then(() => peer.verifySignature(messageOf(method, target, headers), options))),
        ]);
        expect([name, mine && !its]).toEqual([name, false]);
        counts[mine ? "both" : its ? "itAlone" : "neither"]++;
      }),
      sampled(10_000),
    );
    // It reads structured fields in more than one spelling, such as base64 with stray bits.
    expect(counts.both).toBeGreaterThan(0);
    expect(counts.neither).toBeGreaterThan(counts.itAlone * 20);
  });
});
