import { beforeEach, describe, expect, test } from "vitest";
import { Gateway, type GatewayRequest, type SignedRequest } from "../../src/backend/gateway/gateway.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { type RequestContext, verifyRequest } from "../../src/backend/verify/verify-request.ts";
import { gatewayViewOf, originViewOf, Views } from "../../src/backend/views.ts";
import type { TokenSnapshot } from "../../src/tokens/snapshot.ts";
import { rejection, World } from "../support/world.ts";

/** The profile, the backend and the prefix of its routes. */
const SETTINGS = {
  backends: [{ id: "api", default: true }, { id: "web", profile: "x-fs" }, { id: "open" }],
  routes: [
    { id: "jobs.create", method: "POST", path: "/v1/jobs" },
    { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
    { id: "jobs.new", method: "GET", path: "/v1/jobs/new" },
    { id: "upload", method: "PUT", path: "/files/*", body: "unsigned" },
    { id: "live", method: "GET", path: "/live", upgrade: true },
    { id: "pages", method: "*", path: "/web/*", backend: "web" },
  ],
};

let world: World;
let snapshots: Record<"gateway" | "api" | "web", TokenSnapshot>;
let gateway: Gateway;
let drawn: number;

beforeEach(async () => {
  world = await World.pushed();
  await world.settings(SETTINGS);
  await world.rotateGatewayKeys();
  const snapshotOf = async (claims: object) => {
    const { credential } = (await world.createToken(claims)).plan;
    return world.tokenSnapshot(credential as NonNullable<typeof credential>);
  };
  const capabilities = ["gateway_verification"];
  snapshots = {
    gateway: await snapshotOf({ name: "gateway", permissions: ["api.gateway.sign"] }),
    api: await snapshotOf({ name: "api", backend: "api", capabilities }),
    web: await snapshotOf({ name: "web", backend: "web", capabilities }),
  };
  drawn = 0;
  gateway = gatewayOf(snapshots.gateway);
});

function gatewayOf(snapshot: TokenSnapshot): Gateway {
  const { clock } = world;
  const source = { openedToken: null, readToken: async () => snapshot };
  const views = new Views(source, gatewayViewOf, { clock, maxStaleMinutes: () => 60 });
  return new Gateway({ views, clock, recorder: null, random: (bytes) => new Uint8Array(bytes).fill(++drawn) });
}

const sign = (request: Partial<GatewayRequest>) =>
  gateway.sign({ method: "GET", target: "/live", headers: {}, ...request });

/** The request as that backend's origin receives it. */
async function arrive(
  signed: SignedRequest,
  {
    at = "api",
    method = "GET",
    body = signed.body,
  }: { at?: "api" | "web"; method?: string; body?: Uint8Array | null } = {},
): Promise<RequestContext> {
  const view = originViewOf(snapshots[at]);
  const { target, headers } = signed;
  return verifyRequest(
    { method, target, headers, body },
    { view, replay: new NonceCache(world.clock), clock: world.clock },
  );
}

describe("what the gateway signs, its origin serves", () => {
  const body = new TextEncoder().encode('{"a":1}');
  test.each<[string, Partial<GatewayRequest>, string]>([
    [
      "a body",
      { method: "POST", target: "/v1/jobs?dry=1", body, headers: { "Content-Type": "application/json" } },
      "jobs.create",
    ],
    ["no body", { method: "POST", target: "/v1/jobs" }, "jobs.create"],
    ["HEAD of a GET route", { method: "HEAD", target: "/v1/jobs/7" }, "jobs.get"],
    ["the more literal route", { target: "/v1/jobs/new" }, "jobs.new"],
    ["a query that WHATWG would change", { target: "/v1/jobs/7?a='{}\\&??x" }, "jobs.get"],
    ["a lone ?", { target: "/v1/jobs/7?" }, "jobs.get"],
    ["an upload", { method: "PUT", target: "/files/a/b", body }, "upload"],
    [
      "an upgrade",
      { target: "/live", upgrade: true, headers: { connection: "Upgrade", upgrade: "websocket" } },
      "live",
    ],
    ["a context", { target: "/live", context: { subject: "u_1", claims: { plan: "pro" } } }, "live"],
  ])("%s", async (_name, request, routeId) => {
    const signed = await sign(request);
    const { method = "GET" } = request;
    const got = await arrive(signed, { method, body: signed.body ?? body });
    expect(got).toMatchObject({ requestId: signed.id, routeId, context: request.context ?? null });
    expect(got.bodyVerified).toBe(routeId !== "upload");
    expect(signed.target).toBe(request.target);
  });

  test("in profile x-fs, and under whichever method its route takes", async () => {
    const signed = await sign({ method: "DELETE", target: "/web/a?b", body });
    expect(await arrive(signed, { at: "web", method: "DELETE" })).toMatchObject({ routeId: "pages", backend: "web" });
    expect(signed.headers).not.toHaveProperty("signature");
  });

  test("draws the request id itself, and moves a client's id to another header", async () => {
    const [one, two] = [await sign({ headers: { "X-Request-Id": "mine" } }), await sign({})];
    expect(one.id).not.toBe(two.id);
    expect(one.headers).toMatchObject({ "x-client-request-id": "mine" });
    expect(one.headers).not.toHaveProperty("x-request-id");
  });

  test("reads a body only when it is needed, and sets its length to that of the signed bytes", async () => {
    let asked = 0;
    const read = async () => {
      asked += 1;
      return body;
    };
    await rejection(sign({ method: "POST", target: "/nowhere", body: read }));
    expect((await sign({ method: "PUT", target: "/files/a", body: read })).body).toBeNull();
    expect(asked).toBe(0);
    const signed = await sign({
      method: "POST",
      target: "/v1/jobs",
      body: read,
      headers: { "transfer-encoding": "chunked" },
    });
    expect(signed.headers).toMatchObject({ "content-length": "7" });
    expect(signed.headers).not.toHaveProperty("transfer-encoding");
  });
});

test("a context of over 4 KiB is refused", async () => {
  const context = { subject: "a".repeat(3060) };
  expect(await rejection(sign({ context }))).toMatchObject({
    name: "TypeError",
    message: expect.stringContaining("4096"),
  });
});

describe("what the gateway refuses", () => {
  test.each<[string, string, Partial<GatewayRequest>]>([
    ["bad_target", "another case", { target: "/V1/jobs/7" }],
    ["bad_target", "a slash at the end", { target: "/v1/jobs/7/" }],
    ["bad_target", "an encoded slash", { target: "/v1/jobs/..%2fx" }],
    ["bad_target", "an encoded letter", { target: "/v1/%6aobs/7" }],
    ["bad_target", "a parameter", { target: "/v1/jobs/7;x" }],
    ["bad_target", "two slashes", { target: "//v1/jobs/7" }],
    ["bad_target", "a dot segment", { target: "/v1/jobs/../jobs/7" }],
    ["bad_target", "an absolute form", { target: "http://a/v1/jobs/7" }],
    ["bad_target", "a fragment", { target: "/v1/jobs/7#x" }],
    ["bad_target", "letters beyond ASCII", { target: "/v1/jobs/7?q=é" }],
    ["bad_target", "a space in the query", { target: "/v1/jobs/7?a b" }],
    ["bad_request", "CONNECT", { method: "CONNECT" }],
    ["bad_request", "a method in lower case", { method: "get" }],
    [
      "bad_request",
      "two content types",
      { method: "POST", target: "/v1/jobs", headers: { "content-type": ["a/b", "c/d"] } },
    ],
    [
      "bad_request",
      "a content type beyond ASCII",
      { method: "POST", target: "/v1/jobs", headers: { "content-type": "é" } },
    ],
    ["route_unknown", "no route", { target: "/v2" }],
    ["route_unknown", "another method", { method: "DELETE", target: "/v1/jobs" }],
    [
      "upgrade_refused",
      "an upgrade elsewhere",
      { target: "/v1/jobs/7", upgrade: true, headers: { upgrade: "websocket" } },
    ],
    ["upgrade_refused", "an upgrade that names no protocol", { upgrade: true }],
    ["upgrade_refused", "an upgrade by HEAD", { method: "HEAD", upgrade: true, headers: { upgrade: "websocket" } }],
    ["bad_request", "two hosts", { headers: { host: ["a", "b"] } }],
    ["body_too_large", "11 MiB", { method: "POST", target: "/v1/jobs", body: new Uint8Array(11 * 1024 * 1024) }],
  ])("%s: %s", async (code, _name, request) => {
    expect(await rejection(sign(request))).toMatchObject({ name: "GatewayError", code });
  });
});

test("drops headers that only the gateway may set, in any spelling", async () => {
  const headers = {
    Signature: "x",
    "signature-input": "x",
    "content-digest": "x",
    "X-VSYNC-User": "x",
    vsync_request: "x",
    "Vsync-Context": "x",
    x_fs_context: "x",
    "X-Fs-Signature": "x",
    "x-http-method-override": "PUT",
    x_method_override: "PUT",
    "X-HTTP-Method": "PUT",
    connection: "close, X-Nominated",
    "x-nominated": "x",
    te: "trailers",
    expect: "100-continue",
    "keep-alive": "timeout=5",
    "http2-settings": "x",
    ":path": "/x",
    ":authority": "example.com",
    transfer_encoding: "chunked",
    content_encoding: "gzip",
    content_length: "7",
    content_type: "text/html",
    trailer: "vsync-context",
    "proxy-authorization": "x",
    Cookie: "a=b",
    constructor: "x",
    Accept: ["a", "b"],
    "x-forwarded-for": "1.2.3.4",
    host: "example.com",
  };
  const { headers: sent } = await sign({ headers });
  const { signature, "signature-input": input, "vsync-request": said, ...others } = sent;
  expect(
    [signature, input, said].map((value) => String(value).startsWith("vsync=") || String(value).startsWith("vault=")),
  ).toEqual([true, true, true]);
  const passed = { cookie: "a=b", constructor: "x", accept: ["a", "b"], "x-forwarded-for": "1.2.3.4" };
  expect(others).toEqual({ ...passed, host: "example.com" });
});

test("a default backend without routes gets every request except those of other backends' routes", async () => {
  const { settings } = snapshots.gateway;
  gateway = gatewayOf({ ...snapshots.gateway, settings: { ...settings, routes: settings?.routes?.slice(-1) ?? [] } });
  snapshots.api = { ...snapshots.api, settings: { backends: [{ id: "api" }] } };
  expect(await arrive(await sign({ target: "/any/thing" }))).toMatchObject({ routeId: "" });
  expect(await rejection(sign({ target: "/WEB/a" }))).toMatchObject({ code: "bad_target" });
});

test("an edge gateway signs for its own backends, and origins of others refuse its key", async () => {
  await world.rotateGatewayKeys({ backends: ["web"] });
  const { credential } = (await world.createToken({ backend: "web", permissions: ["api.gateway.sign"] })).plan;
  const edge = await world.tokenSnapshot(credential as NonNullable<typeof credential>);
  // Both origins have read the vault since.
  for (const backend of ["web", "api"] as const) {
    const { plan } = await world.createToken({ backend, capabilities: ["gateway_verification"] });
    snapshots[backend] = await world.tokenSnapshot(plan.credential as NonNullable<typeof plan.credential>);
  }
  gateway = gatewayOf(edge);
  expect(await arrive(await sign({ target: "/web/a" }), { at: "web" })).toMatchObject({ backend: "web" });
  expect(await rejection(sign({ target: "/live" }))).toMatchObject({ code: "route_unknown" });
  // Its holder can write its own settings, but not the origin's.
  gateway = gatewayOf({
    ...edge,
    gatewayKeys: edge.gatewayKeys.map(({ backends: _all, ...key }) => key),
    settings: SETTINGS as never,
  });
  expect(await rejection(arrive(await sign({ target: "/live" })))).toMatchObject({ code: "unknown_key_id" });
});
