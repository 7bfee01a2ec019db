import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, request as sendHttp } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createFastifyPlugin } from "../../src/backend/adapters/fastify.ts";
import { createKoaMiddleware, createKoaRouteGuard } from "../../src/backend/adapters/koa.ts";
import { createNestGuard } from "../../src/backend/adapters/nest.ts";
import type { Backend, Refusal } from "../../src/backend/backend.ts";
import { createTestBackend, signRequest } from "../../src/backend/testing.ts";
import type { RequestContext } from "../../src/backend/verify/verify-request.ts";
import { frameworks, ROUTES, type Running, startOrigin } from "./origins.ts";

/** Fetches the frameworks on the first run of a machine. */
const FETCH_LIMIT_MS = 300_000;
const refusals: Refusal[] = [];
const testBackend = (): Backend => createTestBackend({ routes: ROUTES, log: (refusal) => refusals.push(refusal) });

/** Starts a server for one test. */
async function serve(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<number> {
  const server = createServer((request, response) => void listener(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function post(backend: Backend, port: number, target: string, body: string, more: Record<string, string> = {}) {
  const headers = { "content-type": "application/json", ...more };
  const signed = await signRequest(backend, { method: "POST", target, headers, body });
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, {
    method: "POST",
    body,
    headers: { ...headers, ...signed },
  });
  return { status: answer.status, body: await answer.text() };
}

describe("a body that something read before", () => {
  test.each([
    ["without a trace", {}, 500],
    ["and kept as it came", { keeps: (raw: Buffer) => raw }, 200],
    ["and kept in another length", { keeps: (raw: Buffer) => raw.subarray(1) }, 500],
  ])("%s: %s", { timeout: FETCH_LIMIT_MS }, async (_, { keeps }: { keeps?: (raw: Buffer) => Buffer }, status) => {
    const backend = testBackend();
    const express = (await frameworks())("express");
    const app = express();
    const verify = (request: { rawBody?: Buffer }, __: unknown, raw: Buffer): void => {
      if (keeps !== undefined) request.rawBody = keeps(raw);
    };
    app.use(express.json({ verify }), backend.middleware());
    app.post("/json", (request: { body: unknown }, response: ServerResponse) => {
      response.end(JSON.stringify(request.body));
    });
    const port = await serve(app);
    const answer = await post(backend, port, "/json", '{"a":1}');
    expect(answer).toEqual(
      status === 200 ? { status, body: '{"a":1}' } : { status, body: '{"error":"body_already_read"}' },
    );
    if (status === 500) expect(refusals.at(-1)?.reason).toContain("before any body parser, such as express.json()");
    // A request without a body has no body to read.
    const headers = await signRequest(backend, { target: "/items/1" });
    expect((await fetch(`http://127.0.0.1:${port}/items/1`, { headers })).status).toBe(404);
  });

  test("a parser's decompressed body is refused, even in the same length", { timeout: FETCH_LIMIT_MS }, async () => {
    const backend = testBackend();
    const express = (await frameworks())("express");
    const verify = (request: { rawBody?: Buffer }, __: unknown, raw: Buffer): void => void (request.rawBody = raw);
    const app = express().use(express.json({ verify, inflate: true }), backend.middleware());
    const port = await serve(app);
    const { gzipSync } = await import("node:zlib");
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const lengths = Array.from({ length: 100 }, (__, at) => JSON.stringify({ a: "a".repeat(at) }));
    const body = gzipSync(lengths.find((it) => gzipSync(it).length === it.length) ?? expect.fail("no such length"));
    const signed = await signRequest(backend, { method: "POST", target: "/json", headers, body });
    const sent = { method: "POST", headers: { ...headers, ...signed }, body };
    expect((await fetch(`http://127.0.0.1:${port}/json`, sent)).status).toBe(500);
  });
});

describe("a request that something rewrote", () => {
  test.each([
    ["before it was verified", "before"],
    ["after it was verified", "after"],
    ["in its method", "method"],
  ])("%s is refused", { timeout: FETCH_LIMIT_MS }, async (_, when) => {
    const backend = testBackend();
    const app = (await frameworks())("express")();
    const rewrite = (request: { url: string; method: string }, __: unknown, next: () => void): void => {
      if (when === "method") request.method = "DELETE";
      else request.url = "/admin/1";
      next();
    };
    if (when === "before") app.use(rewrite);
    app.use(backend.middleware());
    if (when !== "before") app.use(rewrite);
    app.get("/admin/:id", backend.route("admin"), (__: unknown, response: ServerResponse) => response.end("served"));
    app.delete("/items/:id", backend.route("item"), (__: unknown, response: ServerResponse) => response.end("served"));
    const port = await serve(app);
    const headers = await signRequest(backend, { target: "/items/1" });
    const answer = await fetch(`http://127.0.0.1:${port}/items/1`, { headers });
    expect([answer.status, await answer.json()]).toEqual([401, { error: "route_mismatch" }]);
  });

  test("in front of Koa's or Fastify's middleware is refused, even if rewritten to what was signed", {
    timeout: FETCH_LIMIT_MS,
  }, async () => {
    const backend = testBackend();
    const load = await frameworks();
    const koa = new (load("koa").default ?? load("koa"))();
    koa.use((context: { url: string }, next: () => Promise<unknown>) => {
      context.url = "/items/1";
      return next();
    });
    koa.use(createKoaMiddleware(backend)).use((context: { body: string }) => void (context.body = "served"));
    const fastify = load("fastify").fastify({ rewriteUrl: () => "/items/1" });
    fastify.register(createFastifyPlugin(backend)).get("/items/:id", () => "served");
    await fastify.ready();
    for (const listener of [koa.callback(), fastify.routing]) {
      const port = await serve(listener);
      const headers = await signRequest(backend, { target: "/items/1" });
      const answer = await fetch(`http://127.0.0.1:${port}/items/2`, { headers });
      expect([answer.status, await answer.json()]).toEqual([401, { error: "route_mismatch" }]);
    }
  });

  test("behind Koa's middleware does not reach another route's handler", { timeout: FETCH_LIMIT_MS }, async () => {
    const backend = testBackend();
    const load = (await frameworks())("koa");
    const koa = new (load.default ?? load)().use(createKoaMiddleware(backend));
    koa.use((context: { url: string }, next: () => Promise<unknown>) => {
      context.url = "/admin/1";
      return next();
    });
    koa.use(createKoaRouteGuard(backend, "admin")).use((context: { body: string }) => void (context.body = "served"));
    const port = await serve(koa.callback());
    const headers = await signRequest(backend, { target: "/items/1" });
    const answer = await fetch(`http://127.0.0.1:${port}/items/1`, { headers });
    expect([answer.status, await answer.json()]).toEqual([401, { error: "route_mismatch" }]);
  });

  test("does not pass Nest's guard of another route", () => {
    const backend = testBackend();
    const raw = { method: "GET" };
    backend.remember([raw], { routeId: "item" } as RequestContext, "GET");
    const ask = (id: string, request: object): unknown =>
      createNestGuard(backend, id).canActivate({ switchToHttp: () => ({ getRequest: () => request as never }) });
    // Express hands the guard its own request, and Fastify one around it.
    for (const request of [raw, { raw }]) {
      expect(ask("item", request)).toBe(true);
      const refusal = expect.objectContaining({ statusCode: 401, message: "route_mismatch" });
      expect(() => ask("admin", request)).toThrow(refusal);
    }
    expect(() => ask("item", { method: "GET" })).toThrow("missing_signature");
  });

  test("a mounted router may remove its path; that does not count as rewriting", {
    timeout: FETCH_LIMIT_MS,
  }, async () => {
    const backend = testBackend();
    const express = (await frameworks())("express");
    const router = express.Router().use(backend.middleware());
    router.get("/:id", backend.route("item"), (__: unknown, response: ServerResponse) => response.end("served"));
    const port = await serve(express().use("/items", router));
    const headers = await signRequest(backend, { target: "/items/1" });
    expect(await (await fetch(`http://127.0.0.1:${port}/items/1`, { headers })).text()).toBe("served");
  });

  test("a handler without the middleware serves nobody", { timeout: FETCH_LIMIT_MS }, async () => {
    const backend = testBackend();
    const app = (await frameworks())("express")();
    app.get("/items/:id", backend.route("item"), (__: unknown, response: ServerResponse) => response.end("served"));
    const port = await serve(app);
    const headers = await signRequest(backend, { target: "/items/1" });
    expect((await fetch(`http://127.0.0.1:${port}/items/1`, { headers })).status).toBe(401);
  });
});

describe.each(["plain", "express", "fastify", "koa"] as const)("a request that is refused in %s", (name) => {
  let origin: Running;
  beforeAll(async () => void (origin = await startOrigin(name, testBackend())), FETCH_LIMIT_MS);
  afterAll(() => origin[Symbol.asyncDispose]());

  test("of 10 MiB is answered while it is still being sent, and two chunks of it are read at most", async () => {
    const accepted = once(origin.server, "connection") as Promise<[Socket]>;
    const socket = connect(origin.port, "127.0.0.1");
    socket.on("error", () => undefined);
    const size = 10 * 1024 * 1024;
    socket.write(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => void (answer += chunk));
    socket.write(Buffer.alloc(size));
    await new Promise((closed) => socket.on("close", closed));
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*connection: close[^]*\{"error":"missing_signature"\}$/i);
    const [server] = await accepted;
    // One chunk from Node.js may have arrived with the request's head.
    expect(server.bytesRead).toBeLessThanOrEqual(2 * 65_536);
  });

  test("keeps its connection if it is short", async () => {
    const socket = connect(origin.port, "127.0.0.1");
    const request = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    socket.write(request);
    const [first] = await once(socket, "data");
    socket.write(request);
    const [second] = await once(socket, "data");
    for (const answer of [first, second]) expect(String(answer)).toContain('{"error":"missing_signature"}');
    socket.destroy();
  });
});

describe("an upgrade", () => {
  async function upgrade(
    headers: Record<string, string>,
    target = "/items/7",
    arrives = target,
  ): Promise<[number, string]> {
    const backend = createTestBackend({
      routes: [{ id: "live", method: "GET", path: "/items/{id}", upgrade: true }, ...ROUTES.slice(4)],
    });
    const signed = await signRequest(backend, { target });
    const server = createServer((_, response) => response.end("no upgrade"));
    const take = async (request: IncomingMessage, socket: Socket): Promise<void> => {
      const context = await backend.verifyUpgrade(request, socket);
      if (context === null) return;
      expect(Object.keys(request.headers).filter((name) => /vsync|signature/.test(name))).toEqual([]);
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n${context.routeId}`);
    };
    server.on("upgrade", (request, socket: Socket) => void take(request, socket));
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const all = { connection: "Upgrade", upgrade: "chat", ...signed, ...headers };
    const outgoing = sendHttp({ port, host: "127.0.0.1", path: arrives, headers: all });
    outgoing.end();
    const [response, socket, head] = await Promise.race([once(outgoing, "upgrade"), once(outgoing, "response")]);
    return [response.statusCode, response.statusCode === 101 ? `${head}${await text(socket)}` : await text(response)];
  }

  test("goes through if it was signed, as the signed route", async () => {
    expect(await upgrade({})).toEqual([101, "live"]);
  });

  test.each([
    ["without a signature", { signature: "" }, "/items/7", "/items/7", "missing_signature"],
    ["for another path", {}, "/items/7", "/items/8", "bad_signature"],
    ["on a route that takes none", {}, "/admin/1", "/admin/1", "route_mismatch"],
  ] as const)("%s is refused and closed", async (_, headers, target, arrives, code) => {
    expect(await upgrade(headers, target, arrives)).toEqual([401, `{"error":"${code}"}`]);
  });
});

test("a Fetch body that something read before is refused", async () => {
  const backend = testBackend();
  const job = { method: "POST", target: "/echo", body: Buffer.from("a job") };
  const request = new Request("http://origin/echo", { ...job, headers: await signRequest(backend, job) });
  await request.text();
  const answer = await backend.protect(() => new Response("served"))(request);
  expect([answer.status, await answer.json()]).toEqual([500, { error: "body_already_read" }]);
});

test("a Proxy around a request, as Next hands it out, is served with its body", async () => {
  const backend = testBackend();
  const handler = backend.protect(async (request) => new Response(`${request.url} ${await request.text()}`));
  for (const [method, target] of [
    ["POST", "/echo"],
    ["PUT", "/upload"],
  ] as const) {
    const headers = { "content-type": "text/plain" };
    const signed = await signRequest(backend, { method, target, headers, body: "a job" });
    const init = { method, headers: { ...headers, ...signed }, body: "a job" };
    const request = new Proxy(new Request(`http://origin${target}`, init), {
      get: (given, name) => {
        const value: unknown = Reflect.get(given, name, given);
        return typeof value === "function" ? value.bind(given) : value;
      },
    });
    expect(await (await handler(request)).text()).toBe(`http://origin${target} a job`);
  }
});
