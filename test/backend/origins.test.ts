import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as sendHttp } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { json } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Refusal } from "../../src/backend/backend.ts";
import { createTestBackend, type RequestToTest, signRequest } from "../../src/backend/testing.ts";
import { ORIGINS, type OriginName, ROUTES, type Running, type Seen, startOrigin } from "./origins.ts";

/** Fetches the frameworks on the first run of a machine. */
const FETCH_LIMIT_MS = 300_000;

interface Sent {
  readonly signed?: Partial<RequestToTest>;
  readonly signedAgoMs?: number;
  /** The request that arrives instead. */
  readonly method?: string;
  readonly target?: string;
  readonly body?: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly without?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly chunked?: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: Partial<Seen> & { readonly error?: string };
  readonly headers: NodeJS.Dict<string | string[]>;
}

const JSON_TYPE = { "content-type": "application/json" };
const BYTES_TYPE = { "content-type": "application/octet-stream" };
const JOB = '{"name":"nightly"}';

/** Signs a request and sends it with the changes in `sent`. */
async function send(backend: Backend, { port }: Running, sent: Sent, isHttp2 = false): Promise<Answer> {
  const { signed = {}, signedAgoMs = 0, without, trailers, chunked = false } = sent;
  const createdMs = Date.now() - signedAgoMs;
  const toSign: RequestToTest = {
    method: "POST",
    target: "/json",
    body: JOB,
    headers: JSON_TYPE,
    createdMs,
    ...signed,
  };
  const signature: Record<string, string> = await signRequest(backend, toSign);
  if (without !== undefined) delete signature[without];
  const { headers = {} } = toSign;
  const body = sent.body === undefined ? toSign.body : sent.body;
  const bytes = body === null || body === undefined ? null : Buffer.from(body);
  const all = {
    ...(headers as object),
    ...signature,
    ...(bytes === null || chunked ? {} : { "content-length": String(bytes.length) }),
    ...(trailers === undefined ? {} : { trailer: Object.keys(trailers).join(", ") }),
    ...sent.headers,
  } as Record<string, string>;
  const method = sent.method ?? toSign.method ?? "";
  const path = sent.target ?? toSign.target;
  if (isHttp2) return overHttp2(port, { ":method": method, ":path": path, ...all }, bytes, trailers);
  return new Promise((resolve, reject) => {
    const outgoing = sendHttp({ port, host: "127.0.0.1", method, path, headers: all, agent: false }, (response) => {
      const { statusCode: status = 0, headers: got } = response;
      const read = method === "HEAD" ? Promise.resolve({}) : json(response);
      read.then((parsed) => resolve({ status, headers: got, body: parsed as Answer["body"] }), reject);
    });
    outgoing.on("error", reject);
    if (chunked) outgoing.flushHeaders();
    if (trailers !== undefined) outgoing.addTrailers(trailers);
    outgoing.end(bytes);
  });
}

async function overHttp2(
  port: number,
  headers: Record<string, string>,
  bytes: Buffer | null,
  trailers: Sent["trailers"],
): Promise<Answer> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request(headers, { endStream: false, waitForTrailers: trailers !== undefined });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    // A stream that ends before its content-length is an error of the protocol.
    if (bytes !== null || headers["content-length"] === undefined) stream.end(bytes);
    const [got] = (await once(stream, "response")) as [IncomingHttpHeaders];
    const body = headers[":method"] === "HEAD" ? {} : await json(stream);
    return { status: Number(got[":status"]), headers: got, body: body as Answer["body"] };
  } finally {
    session.destroy();
  }
}

const MIB = 1024 * 1024;
const get = { method: "GET", target: "/items/7?a=%20&b=%27", headers: {}, body: null };
const echo = (body: Uint8Array | string, headers: Record<string, string> = BYTES_TYPE) => ({
  method: "POST",
  target: "/echo",
  headers,
  body,
});

/** Requests that are served, and the route that serves each. */
const SERVED: readonly [string, Sent, Partial<Seen>][] = [
  ["JSON, which the framework parses", {}, { served: "json" }],
  ["a body in chunks", { signed: echo("a,b"), chunked: true }, { served: "echo", bytes: 3 }],
  ["an empty body", { signed: echo("") }, { served: "echo", bytes: 0 }],
  ["an empty body in chunks", { signed: echo(""), chunked: true }, { served: "echo", bytes: 0 }],
  ["1 MiB", { signed: echo(Buffer.alloc(MIB, 1)) }, { served: "echo", bytes: MIB }],
  ["9 MiB in chunks", { signed: echo(Buffer.alloc(9 * MIB, 2)), chunked: true }, { served: "echo", bytes: 9 * MIB }],
  [
    "gzip, verified as it came",
    { signed: echo(gzipSync(JOB), { ...BYTES_TYPE, "content-encoding": "gzip" }) },
    { served: "echo", bytes: gzipSync(JOB).length },
  ],
  ["GET with a query", { signed: get }, { served: "item", method: "GET" }],
  ["HEAD", { signed: { ...get, method: "HEAD" } }, {}],
  ["OPTIONS", { signed: { ...get, method: "OPTIONS" } }, { served: "options" }],
  [
    "a lone ?, which is the same request",
    { signed: { ...get, target: "/items/7" }, target: "/items/7?" },
    { served: "item" },
  ],
  ["two ?", { signed: { ...get, target: "/items/7??x" } }, { served: "item" }],
  [
    "an upload, which is not hashed",
    { signed: { method: "PUT", target: "/upload", headers: BYTES_TYPE, body: "x" }, body: Buffer.alloc(MIB, 3) },
    { served: "upload", bytes: MIB, bodyVerified: false },
  ],
  ["a request on behalf of somebody", { signed: { context: { subject: "ann" } } }, { served: "json", subject: "ann" }],
  [
    "a header in a spelling that CGI reads alike",
    { headers: { vsync_context: "x", x_fs_key_id: "y" } },
    { trusted: [] },
  ],
  [
    "trusted headers of the other profile",
    { headers: { "x-fs-context": "x", "x-vsync-subject": "y" } },
    { trusted: [] },
  ],
  ["trailers", { signed: echo("a"), chunked: true, trailers: { "vsync-context": "x" } }, { trusted: [], bytes: 1 }],
];

/** Requests that are refused, with the code. Exactly one thing is wrong with each. */
const REFUSED: readonly [string, Sent, number, string][] = [
  ["no signature", { without: "signature" }, 401, "missing_signature"],
  ["a signature of another form", { headers: { signature: "vsync=:AAAA:" } }, 401, "malformed_signature"],
  ["another signature", { headers: { signature: `vsync=:${"A".repeat(86)}==:` } }, 401, "bad_signature"],
  ["an old request", { signedAgoMs: 61_000 }, 401, "expired_signature"],
  ["a request of the future", { signedAgoMs: -60_000 }, 401, "clock_skew"],
  ["another method", { signed: get, method: "DELETE" }, 401, "bad_signature"],
  ["another query", { signed: get, target: "/items/7?a=b" }, 401, "bad_signature"],
  ["a fragment", { signed: get, target: `${get.target}#x` }, 401, "bad_signature"],
  ["a body of GET", { signed: get, body: "x" }, 401, "body_hash_mismatch"],
  ["another body", { body: '{"name":"hourly"}' }, 401, "body_hash_mismatch"],
  ["a body that is longer", { body: `${JOB} ` }, 401, "body_hash_mismatch"],
  ["no body", { body: "" }, 401, "body_hash_mismatch"],
  ["a body that was never signed", { signed: { ...echo(""), method: "POST" }, body: "x" }, 401, "body_hash_mismatch"],
  [
    "a body that says it is long",
    { headers: { "content-length": String(11 * MIB) }, body: null },
    413,
    "body_too_large",
  ],
  ["the route of another handler", { signed: { ...get, route: "admin" } }, 401, "route_mismatch"],
  ["no route", { signed: { ...get, target: "/nowhere" } }, 401, "route_unknown"],
  ["a doubled header", { headers: { "vsync-request": ["a", "b"] } }, 401, "malformed_signature"],
  ["a list", { headers: { signature: "vsync=:AA==:, vsync=:BB==:" } }, 401, "malformed_signature"],
  ["a context that nobody signed", { headers: { "vsync-context": "e30" } }, 401, "bad_signature"],
  ["another content type", { headers: { "content-type": "text/json" } }, 401, "bad_signature"],
  ["a method override", { signed: get, headers: { "X-HTTP-Method-Override": "DELETE" } }, 401, "route_mismatch"],
];

/** Paths that some framework would route to the handler of `admin`, or of another route. */
const ODD_PATHS = ["/ADMIN/1", "/admin/1/", "/admin/..%2fx", "/admin/1;x", "/%61dmin/1", "/admin//1", "/./admin/1"];

/** Not Express, which does not work with Node.js' HTTP/2, and so not Nest on Express either. */
const OVER_HTTP2: readonly OriginName[] = ["plain", "fastify", "koa", "nest on fastify", "hono"];
const CASES = [
  ...(Object.keys(ORIGINS) as OriginName[]).map((name) => ({ name, version: "1.1" })),
  ...OVER_HTTP2.map((name) => ({ name, version: "2" })),
];

describe.each(CASES)("an origin in $name over HTTP/$version", ({ name, version }) => {
  const isHttp2 = version === "2";
  let backend: Backend;
  let origin: Running;
  const refusals: Refusal[] = [];
  beforeAll(async () => {
    backend = createTestBackend({ routes: ROUTES, log: (refusal) => refusals.push(refusal) });
    origin = await startOrigin(name, backend, isHttp2);
  }, FETCH_LIMIT_MS);
  afterAll(() => origin[Symbol.asyncDispose]());

  test.each(SERVED)("serves %s", async (_, sent, seen) => {
    const { json: _json, served, ...rest } = { json: undefined, served: undefined, ...seen };
    const { status, body } = await send(backend, origin, sent, isHttp2);
    expect({ status: Math.floor(status / 100), error: body.error }).toEqual({ status: 2, error: undefined });
    if (Object.keys(body).length > 0) expect(body).toMatchObject({ trusted: [], ...rest, ...servedBy(name, served) });
  });

  // A function's platform reads the whole body before it starts the function.
  const refused = REFUSED.filter(([, , status]) => name !== "lambda" || status !== 413);
  test.each(refused)("refuses %s", async (_, sent, status, code) => {
    const answer = await send(backend, origin, sent, isHttp2);
    expect({ status: answer.status, body: answer.body }).toEqual({ status, body: { error: code } });
    expect(refusals.at(-1)).toMatchObject({ code, status });
  });

  test.each(ODD_PATHS)("refuses %s, however it was signed", async (target) => {
    for (const route of ["admin", "item", ""]) {
      const { status, body } = await send(backend, origin, { signed: { ...get, target, route } }, isHttp2);
      expect({ status, served: body.served }).toEqual({ status: 401, served: undefined });
    }
  });

  test("serves a request once", async () => {
    const signed = { ...get, target: `/items/${createHash("sha1").update(name).digest("hex")}` };
    const headers = await signRequest(backend, signed);
    const again = { signed, headers };
    expect((await send(backend, origin, again, isHttp2)).status).toBe(200);
    expect((await send(backend, origin, again, isHttp2)).body).toEqual({ error: "replayed_nonce" });
  });
});

/** Without a router, only the method selects the handler. */
function servedBy(name: OriginName, served: string | undefined): object {
  return served === undefined || (name === "plain" && served === "json") ? {} : { served };
}
