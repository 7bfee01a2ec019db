import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeEach, describe, expect, test } from "vitest";
import type { RequestToSign } from "../../../src/backend/signed/claim.ts";
import { encodeContext } from "../../../src/backend/signed/context.ts";
import type { ProfileName } from "../../../src/backend/signed/profiles.ts";
import { NonceCache, type ReplayStore } from "../../../src/backend/verify/replay.ts";
import {
  type RequestContext,
  type VerifyRequestInput,
  verifyRequest,
} from "../../../src/backend/verify/verify-request.ts";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { BODY, KEY, NOW_MS, signedHeaders, toSign, type ViewChanges, viewOf } from "../fixture.ts";

let atMs: number;
let replay: ReplayStore;
const clock = { nowMs: (): number => atMs };
beforeEach(() => {
  atMs = NOW_MS;
  replay = new NonceCache(clock);
});

interface Sent {
  /** The request that the gateway signs. */
  readonly signed?: Partial<RequestToSign>;
  /** The request that arrives instead. */
  readonly arrives?: Partial<VerifyRequestInput>;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly seed?: Uint8Array;
  readonly view?: ViewChanges;
  readonly replay?: ReplayStore;
}

async function send(profile: ProfileName, sent: Sent): Promise<RequestContext> {
  const { signed = {}, arrives = {}, headers = {}, seed, view = {} } = sent;
  const request = await toSign(signed);
  const { method, target } = request;
  const input = { method, target, body: BODY, headers: { ...signedHeaders(profile, request, seed), ...headers } };
  const verification = { view: viewOf(profile, view), replay: sent.replay ?? replay, clock };
  return verifyRequest({ ...input, ...arrives }, verification);
}

const seconds = (count: number): Partial<RequestToSign> => {
  return { created: NOW_MS / 1000 + count, expires: NOW_MS / 1000 + count + 60 };
};
const OTHER_SEED = new Uint8Array(32).fill(2);
const CONTEXT = encodeContext({ subject: "ann", claims: { plan: "pro" } });

/** Exactly one thing is wrong with each, in both profiles. */
const REFUSED: readonly [string, string, Sent][] = [
  ["a key that is unknown", "unknown_key_id", { view: { keys: [] } }],
  ["a key of tomorrow", "unknown_key_id", { view: { keys: [{ ...KEY, not_before: "2026-12-01T00:00:00.000Z" }] } }],
  ["a key that ended", "unknown_key_id", { view: { keys: [{ ...KEY, not_after: "2026-11-30T09:00:00.000Z" }] } }],
  ["another key's signature", "bad_signature", { seed: OTHER_SEED }],
  ["another method", "bad_signature", { arrives: { method: "PUT" } }],
  ["another path", "bad_signature", { arrives: { target: "/v1/jobs/?dry=1" } }],
  ["another query", "bad_signature", { arrives: { target: "/v1/jobs?dry=2" } }],
  ["a query without its ?", "bad_signature", { arrives: { target: "/v1/jobs" } }],
  ["a fragment", "bad_signature", { arrives: { target: "/v1/jobs?dry=1#x" } }],
  ["a target with a line break", "bad_signature", { arrives: { target: '/v1/jobs?dry=1\n"x": y' } }],
  ["an absolute target", "bad_signature", { arrives: { target: "http://api/v1/jobs?dry=1" } }],
  ["a fragment that was signed", "bad_signature", { signed: { target: "/v1/jobs#x" } }],
  ["a space that was signed", "bad_signature", { signed: { target: "/v1/jobs?a b" } }],
  ["an absolute target that was signed", "bad_signature", { signed: { target: "http://api/v1/jobs" } }],
  ["a method that is none, and was signed", "bad_signature", { signed: { method: "PO ST" } }],
  ["another vault", "route_mismatch", { signed: { vault: "w" } }],
  ["another backend", "route_mismatch", { signed: { backend: "web" } }],
  ["a key of another gateway", "route_mismatch", { view: { keys: [{ ...KEY, backends: ["web"] }] } }],
  ...["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"].map((name): [string, string, Sent] => [
    `a method override, ${name}`,
    "route_mismatch",
    { headers: { [name]: "DELETE" } },
  ]),
  ["no route", "route_unknown", { signed: { routeId: "" } }],
  ["a route that is not declared", "route_unknown", { signed: { routeId: "jobs.delete" } }],
  ["the id of another route", "route_mismatch", { signed: { routeId: "jobs.get" } }],
  ["a path that is not canonical", "route_mismatch", { signed: { target: "/v1//jobs" } }],
  [
    "no route, where the token alone has some",
    "route_unknown",
    { signed: { routeId: "" }, view: { backend: { routes: undefined }, routes: ["POST /v1/jobs"] } },
  ],
  ["a route outside the token's", "route_mismatch", { view: { routes: ["GET /v1/jobs/{id}"] } }],
  ["a body that says it is large", "body_too_large", { headers: { "content-length": "10485761" } }],
  ["a length that is not a number", "malformed_signature", { headers: { "content-length": "ten" } }],
  ["a body that is large", "body_too_large", { arrives: { body: new Uint8Array(10 * 1024 * 1024 + 1) } }],
  ["another body", "body_hash_mismatch", { arrives: { body: new Uint8Array(3) } }],
  ["no body", "body_hash_mismatch", { arrives: { body: null } }],
  ["an unsigned body where it must be signed", "body_hash_mismatch", { signed: { bodyHash: null } }],
];

function encoded(json: string): string {
  return Buffer.from(json).toString("base64url");
}

const rfcInput = (change: (input: string) => string): Sent & { change: (input: string) => string } => ({ change });

const REFUSED_RFC9421: readonly [string, string, Sent & { change?: (input: string) => string }][] = [
  ["no signature", "missing_signature", { headers: { signature: undefined } }],
  ["no signature input", "missing_signature", { headers: { "signature-input": undefined } }],
  ["an empty signature", "missing_signature", { headers: { signature: "" } }],
  ["a short signature", "malformed_signature", { headers: { signature: "vsync=:AAAA:" } }],
  ["a signature with stray bits", "malformed_signature", { headers: { signature: `vsync=:${"A".repeat(85)}B==:` } }],
  ["a second signature", "malformed_signature", rfcInput((input) => `${input}, sig1=("@path")`)],
  ["two signature inputs", "malformed_signature", { headers: { "Signature-Input": "vsync=()" } }],
  ["the same header as an array", "malformed_signature", { headers: { "vsync-request": ["a", "b"] } }],
  ["another algorithm", "malformed_signature", rfcInput((input) => input.replace("ed25519", "hmac-sha256"))],
  ["another tag", "malformed_signature", rfcInput((input) => input.replace("gateway-1", "gateway-2"))],
  [
    "another order",
    "malformed_signature",
    rfcInput((input) => input.replace('"@method" "@path"', '"@path" "@method"')),
  ],
  ["a component less", "malformed_signature", rfcInput((input) => input.replace('"@query" ', ""))],
  ["a parameter more", "malformed_signature", rfcInput((input) => `${input};x=1`)],
  ["a time with a sign", "malformed_signature", rfcInput((input) => input.replace("created=", "created=+"))],
  ["another nonce", "bad_signature", rfcInput((input) => input.replace('nonce="r', 'nonce="s'))],
  [
    "a longer life",
    "bad_signature",
    rfcInput((input) => input.replace(/expires=\d+/, `expires=${NOW_MS / 1000 + 99}`)),
  ],
  ["no request field", "malformed_signature", { headers: { "vsync-request": undefined } }],
  ["a request field of another form", "malformed_signature", { headers: { "vsync-request": 'vault="v"' } }],
  ["another route", "bad_signature", { headers: { "vsync-request": 'vault="v";backend="api";route="jobs.get"' } }],
  ["a context that was not signed", "bad_signature", { headers: { "vsync-context": CONTEXT } }],
  ["another content type", "bad_signature", { headers: { "content-type": "text/plain" } }],
  ["a content type that was taken off", "bad_signature", { headers: { "content-type": undefined } }],
  ["a content type twice", "malformed_signature", { headers: { "Content-Type": "application/json" } }],
  ["an encoding that was added", "bad_signature", { headers: { "content-encoding": "gzip" } }],
  ["a digest that was taken off", "bad_signature", { headers: { "content-digest": undefined } }],
  ["a digest of another hash", "malformed_signature", { headers: { "content-digest": "sha-512=:AAAA:" } }],
  ["a clock that is ahead", "clock_skew", { signed: seconds(31) }],
  ["an old request", "expired_signature", { signed: seconds(-60) }],
  [
    "one that would be good for an hour",
    "expired_signature",
    { signed: { ...seconds(-61), expires: NOW_MS / 1000 + 3600 } },
  ],
  ...["[]", '"ann"', "null", "{}", '{"subject":""}', '{"subject":7}', '{"subject":"ann","claims":[]}'].map(
    (json): [string, string, Sent] => [
      `the context ${json}`,
      "context_unverified",
      { signed: { context: encoded(json) } },
    ],
  ),
  ["a context with another member", "context_unverified", { signed: { context: encoded('{"subject":"ann","x":1}') } }],
  ["a context that is not JSON", "context_unverified", { signed: { context: "eA" } }],
  [
    "a context of over 4 KiB",
    "context_unverified",
    { signed: { context: encoded(`{"subject":"${"a".repeat(3060)}"}`) } },
  ],
];

const REFUSED_X_FS: readonly [string, string, Sent][] = [
  ["no signature", "missing_signature", { headers: { "x-fs-signature": undefined } }],
  ["an empty signature", "missing_signature", { headers: { "x-fs-signature": "" } }],
  ["a signature that is not base64url", "malformed_signature", { headers: { "x-fs-signature": "a+b=" } }],
  ["a signature that is short", "bad_signature", { headers: { "x-fs-signature": "A".repeat(82) } }],
  ["two key ids", "malformed_signature", { headers: { "x-fs-key-id": ["gw-1", "gw-2"] } }],
  ["a list of key ids", "malformed_signature", { headers: { "x-fs-key-id": "gw-1, gw-2" } }],
  ["the same header in another case", "malformed_signature", { headers: { "X-FS-Key-Id": "gw-1" } }],
  ["no key id", "malformed_signature", { headers: { "x-fs-key-id": undefined } }],
  ["an empty key id", "malformed_signature", { headers: { "x-fs-key-id": "" } }],
  ["a timestamp with an exponent", "malformed_signature", { headers: { "x-fs-timestamp": "1e9" } }],
  ["a clock that is behind", "clock_skew", { signed: seconds(-301) }],
  ["an old request", "expired_signature", { signed: seconds(-306) }],
  ["a request of the future", "expired_signature", { signed: seconds(306) }],
  ["a context that was not signed", "bad_signature", { headers: { "x-fs-context": "x" } }],
];

const bothProfiles = ["rfc9421", "x-fs"] as const;

describe.each(bothProfiles)("profile %s", (profile) => {
  const table: typeof REFUSED_RFC9421 = [...REFUSED, ...(profile === "x-fs" ? REFUSED_X_FS : REFUSED_RFC9421)];
  test.each(table)("refuses %s: %s", async (_title, code, { change, ...sent }) => {
    const request = await toSign(sent.signed);
    const input = change?.(signedHeaders(profile, request, sent.seed)["signature-input"] ?? "");
    const changed = input === undefined ? sent.headers : { "signature-input": input };
    const refusal = send(profile, { ...sent, signed: request, headers: changed ?? {} });
    await expect(refusal).rejects.toMatchObject({ code, status: code === "body_too_large" ? 413 : 401 });
  });

  test("a request that came through the gateway", async () => {
    const request = await toSign({ context: CONTEXT, policyVersion: profile === "x-fs" ? "3" : "" });
    expect(await send(profile, { signed: request })).toEqual({
      requestId: request.requestId,
      keyId: "gw-1",
      backend: "api",
      routeId: "jobs.create",
      policyVersion: profile === "x-fs" ? "3" : "",
      bodyVerified: true,
      context: profile === "x-fs" ? null : { subject: "ann", claims: { plan: "pro" } },
      contextToken: profile === "x-fs" ? CONTEXT : null,
    });
  });

  test("path and query may be given apart", async () => {
    for (const apart of [{ search: "?dry=1" }, { query: "?dry=1" }, { query: "dry=1" }]) {
      const { target: _, ...arrives } = { target: undefined, path: "/v1/jobs", ...apart };
      const { headers, ...signed } = { headers: {}, ...(await toSign()) };
      const input = {
        method: "POST",
        ...arrives,
        headers: { ...signedHeaders(profile, signed), ...headers },
        body: BODY,
      };
      await verifyRequest(input, { view: viewOf(profile), replay, clock });
    }
  });

  const get = { method: "GET", target: "/v1/jobs/7", routeId: "jobs.get", contentType: null, body: new Uint8Array() };

  test("HEAD is served as GET, within the token's routes too", async () => {
    const view = { routes: ["GET /v1/jobs/{id}"] };
    expect(await send(profile, { signed: { ...get, method: "HEAD" }, arrives: { body: null }, view })).toMatchObject({
      routeId: "jobs.get",
      bodyVerified: true,
    });
  });

  test("an unsigned body costs no more than its first bytes", async () => {
    let allowed = -1;
    const body = async (maxBytes: number): Promise<Uint8Array> => {
      allowed = maxBytes;
      return new Uint8Array(1);
    };
    await expect(send(profile, { signed: get, arrives: { body } })).rejects.toMatchObject({
      code: "body_hash_mismatch",
    });
    expect(allowed).toBe(0);
  });

  test("an upload of any size is served unread, and the context says so", async () => {
    const signed = { method: "PUT", target: "/files/a/b", routeId: "upload", bodyHash: null };
    const body = (): Promise<never> => Promise.reject(new Error("the body was read"));
    const headers = { "content-length": "99999999" };
    expect(await send(profile, { signed, arrives: { body }, headers })).toMatchObject({ bodyVerified: false });
  });

  test("a backend and a token without routes serve what was signed", async () => {
    const view = viewOf(profile, { backend: { routes: undefined } });
    const request = await toSign({ routeId: "", target: "/x" });
    const input = { ...request, headers: signedHeaders(profile, request), body: BODY };
    expect(await verifyRequest(input, { view, replay, clock })).toMatchObject({ routeId: "" });
  });

  /** Each fault may be combined with all that come after it. */
  const order: readonly (readonly [string, Sent])[] = [
    ["missing_signature", { headers: { signature: undefined, "x-fs-signature": undefined } }],
    ["expired_signature", { signed: seconds(-600) }],
    ["unknown_key_id", { view: { keys: [] } }],
    ["bad_signature", { seed: OTHER_SEED }],
    ["route_mismatch", { signed: { vault: "w" } }],
    ["route_unknown", { signed: { routeId: "" } }],
    ["body_too_large", { headers: { "content-length": "10485761" } }],
    ["body_hash_mismatch", { arrives: { body: null } }],
    ["replayed_nonce", { replay: { claim: async () => false } }],
    ...(profile === "x-fs" ? [] : ([["context_unverified", { signed: { context: "eA" } }]] as const)),
  ];
  test.each(order.map(([code], at) => [code, at] as const))(
    "%s is checked before what follows it",
    async (code, at) => {
      const sent = order.slice(at).reduce<Sent>((all, [, { signed, headers, arrives, ...more }]) => {
        const [before, given, came] = [all.signed, all.headers, all.arrives];
        const merged = {
          signed: { ...before, ...signed },
          headers: { ...given, ...headers },
          arrives: { ...came, ...arrives },
        };
        return { ...all, ...more, ...merged };
      }, {});
      await expect(send(profile, sent)).rejects.toMatchObject({ code });
    },
  );

  test("a request is valid until its last millisecond, and the store remembers it that long", async () => {
    const untils: number[] = [];
    const claim = async (_: string, until: number): Promise<boolean> => untils.push(until) > 0;
    const [early, late] = [await toSign(), await toSign(profile === "x-fs" ? {} : { expires: NOW_MS / 1000 + 30 })];
    const lasts = profile === "x-fs" ? [301_000, 301_000] : [60_000, 30_000];
    for (const [at, signed] of [early, late].entries()) {
      atMs = NOW_MS + (lasts[at] ?? 0) - 1;
      await send(profile, { signed, replay: { claim } });
      atMs += 1;
      const code = profile === "x-fs" ? "clock_skew" : "expired_signature";
      await expect(send(profile, { signed, replay: { claim } })).rejects.toMatchObject({ code });
    }
    expect(untils).toEqual(profile === "x-fs" ? [NOW_MS + 306_000, NOW_MS + 306_000] : lasts.map((ms) => NOW_MS + ms));
  });

  test("one id under two keys is two requests", async () => {
    const signed = await toSign();
    const other = { kid: "gw-2", public: encodeBase64(ed25519.getPublicKey(OTHER_SEED)) };
    await send(profile, { signed });
    const headers = signedHeaders(profile, signed, OTHER_SEED, "gw-2");
    await send(profile, { signed, headers, view: { keys: [KEY, other] } });
  });

  test("reads no body before the signature holds", async () => {
    const body = (): Promise<never> => Promise.reject(new Error("the body was read"));
    const refusal = send(profile, { seed: OTHER_SEED, arrives: { body } });
    await expect(refusal).rejects.toMatchObject({ code: "bad_signature" });
    await expect(send(profile, { arrives: { body } })).rejects.toThrow("the body was read");
  });

  test("claims the request last, so a refused one may come again corrected", async () => {
    const signed = await toSign();
    await expect(send(profile, { signed, arrives: { body: null } })).rejects.toMatchObject({
      code: "body_hash_mismatch",
    });
    await send(profile, { signed });
  });

  test("a body slower than the window cannot get a replay past a store that has forgotten the request", async () => {
    const forgetful = { claim: async (_: string, until: number) => until <= atMs };
    const body = async () => {
      atMs += 400_000;
      return BODY;
    };
    await expect(send(profile, { replay: forgetful, arrives: { body } })).rejects.toMatchObject({
      code: "expired_signature",
    });
  });

  test("of two simultaneous copies, only one is served", async () => {
    const signed = await toSign();
    const sent = await Promise.allSettled([send(profile, { signed }), send(profile, { signed })]);
    expect(sent.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  test("a replay is refused for as long as its window lasts", async () => {
    const ahead = profile === "x-fs" ? 300 : 30;
    const lasts = profile === "x-fs" ? 605 : 89;
    const signed = await toSign(seconds(ahead));
    await send(profile, { signed });
    atMs += lasts * 1000 + 999;
    const code = profile === "x-fs" ? "clock_skew" : "replayed_nonce";
    await expect(send(profile, { signed })).rejects.toMatchObject({ code });
    atMs += 1000;
    await expect(send(profile, { signed })).rejects.toMatchObject({ code: "expired_signature" });
  });

  test.each([
    ["fails", 503, () => Promise.reject(new Error("no answer"))],
    ["answers something else", 401, async () => "OK" as unknown as boolean],
  ])("a replay store that %s refuses the request with %s", async (_, status, claim) => {
    await expect(send(profile, { replay: { claim } })).rejects.toMatchObject({ status });
  });
});

test.each([
  ["content-type was signed but did not come", { headers: { "content-type": undefined } }],
  ["content-encoding came but was not signed", { headers: { "content-encoding": "gzip" } }],
] as const)("the reason of a bad signature, for the log: %s", async (reason, sent) => {
  await expect(send("rfc9421", sent)).rejects.toThrow(reason);
});

describe("what a gateway refuses to sign", () => {
  test.each([
    ["rfc9421", { contentType: "text/plain\nx: y" }, "content-type cannot be signed"],
    ["rfc9421", { target: "/caf\u00e9" }, "@path cannot be signed"],
    ["rfc9421", { routeId: 'a"b' }, "the id of a vault, backend or route"],
    ["rfc9421", { requestId: "short" }, "the nonce or a time cannot be signed"],
    ["x-fs", { routeId: "a\npolicy-version:9" }, "routeId has a line break"],
  ] as const)("%s: %o", async (profile, changes, message) => {
    const request = await toSign(changes);
    expect(() => signedHeaders(profile, request)).toThrow(message);
  });
});
