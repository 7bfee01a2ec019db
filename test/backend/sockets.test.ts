import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type Http2ServerRequest } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Backend, type BackendParts } from "../../src/backend/backend.ts";
import { createTestBackend, type RequestToTest, signRequest } from "../../src/backend/testing.ts";
import { VerificationError } from "../../src/backend/verification-error.ts";
import type { RouteSetting } from "../../src/tokens/backends/settings.ts";
import { BODY, NOW_MS, signedHeaders, toSign, viewOf } from "./fixture.ts";
import { ROUTES } from "./origins.ts";

/* Attacks by somebody who writes to an origin's socket byte by byte. */

const LIVE: RouteSetting = { id: "live", method: "GET", path: "/live", upgrade: true };
let atMs: number;
let served: string[];
let backend: Backend;
/** Emits `asked` when the clock is read, which means that a request has arrived, and `refused` with the code. */
let events: EventEmitter;
beforeEach(() => {
  atMs = NOW_MS;
  served = [];
  events = new EventEmitter();
  const clock = { nowMs: () => (events.emit("asked"), atMs) };
  backend = createTestBackend({ routes: [...ROUTES, LIVE], clock, log: ({ code }) => events.emit("refused", code) });
});

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server with our middleware, whose handler records what it served. */
function origin(): Server {
  const verify = backend.middleware();
  const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    served.push(`${request.method} ${request.url} ${(await buffer(request)).length}`);
    response.end("served");
  };
  return createServer((request, response) => {
    void verify(request, response, () => void handler(request, response));
  });
}

/** The bytes of a signed request with additional headers. */
async function signed(request: RequestToTest, more = "", target = request.target): Promise<string> {
  const { method = "GET", headers = {}, body } = request;
  const length = body === undefined ? {} : { "content-length": String(body?.length) };
  const all = { host: "a", ...headers, ...length, ...(await signRequest(backend, request)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}${more}\r\n${body ?? ""}`;
}

/** Writes bytes as one packet and reads until the server closes the connection, which the last request asks for. */
async function answersOf(port: number, bytes: string): Promise<string[]> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes, "latin1");
  const all = await text(socket);
  return all
    .split(/(?=HTTP\/1\.1 )/)
    .map((it) => it.replace(/^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n(?:\w+\r\n)?([^\r]*)[^]*$/, "$1 $2"));
}

const CLOSE = "connection: close\r\n";
const job = (body: string) => ({ method: "POST", target: "/echo", headers: { "content-type": "a/b" }, body });
const refused = (code: string, status = 401): string => `${status} {"error":"${code}"}`;

test("judges the requests of one connection separately: a refused one does not help the next", async () => {
  const port = await listening(origin());
  const [first, last] = [await signed(job("one")), await signed(job("two"), CLOSE)];
  const unsigned = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\none";
  const answers = await answersOf(port, [unsigned, first, unsigned, first, last].join(""));
  // They are verified at the same time: either copy of the first one can be the one that counts.
  const copies = [answers[1], answers[3]];
  expect(new Set(copies)).toEqual(new Set(["200 served", refused("replayed_nonce")]));
  const unsignedOnes = refused("missing_signature");
  expect(answers).toEqual([unsignedOnes, copies[0], unsignedOnes, copies[1], "200 served"]);
  expect(served).toEqual(["POST /echo 3", "POST /echo 3"]);
});

test("a signed request inside the body of a refused one stays a body", async () => {
  const port = await listening(origin());
  const inner = await signed({ target: "/items/7" });
  const outer = `POST /echo HTTP/1.1\r\nhost: a\r\n${CLOSE}content-length: ${inner.length}\r\n\r\n${inner}`;
  expect(await answersOf(port, outer)).toEqual([refused("missing_signature")]);
  expect(served).toEqual([]);
});

test.each([
  ["two lengths", "content-length: 3\r\n"],
  ["a length and chunks", "transfer-encoding: chunked\r\n"],
  ["an encoding that is no framing", "transfer-encoding: xchunked\r\n"],
])("%s: no handler sees the request", async (_, more) => {
  const port = await listening(origin());
  expect(await answersOf(port, await signed(job("one"), more + CLOSE))).toEqual([expect.stringMatching(/^400 /)]);
  expect(served).toEqual([]);
});

test.each([
  ["an absolute target", "http://a/items/7"],
  ["a target with a user", "http://u@a/items/7"],
  ["an asterisk", "*"],
  ["a target with two slashes", "//a/items/7"],
])("%s instead of the signed one is refused", async (_, target) => {
  const port = await listening(origin());
  const method = target === "*" ? "OPTIONS" : "GET";
  const answers = await answersOf(port, await signed({ method, target: "/items/7" }, CLOSE, target));
  expect(answers).toEqual([refused("bad_signature")]);
  expect(served).toEqual([]);
});

test.each(["signature", "signature-input", "vsync-request", "vsync-context", "content-digest", "content-type"])(
  "a %s that comes twice, both of them genuine, is refused",
  async (name) => {
    const port = await listening(origin());
    const single = await signed({ ...job("one"), context: { subject: "ann" } }, CLOSE);
    const twice = single.replace(
      new RegExp(`^${name}: .*\r\n`, "m"),
      (line) => line + line.toUpperCase().slice(0, 4) + line.slice(4),
    );
    expect(twice.length).toBeGreaterThan(single.length);
    expect(await answersOf(port, twice)).toEqual([refused("malformed_signature")]);
    expect(served).toEqual([]);
  },
);

test("a client that cannot sign learns the same code for a route, an unknown route and an oversized body", async () => {
  const port = await listening(origin());
  const genuine = await signed({ target: "/items/7" }, CLOSE);
  for (const target of ["/items/8", "/nowhere", "/ADMIN/1"]) {
    expect(await answersOf(port, genuine.replace("/items/7", target))).toEqual([refused("bad_signature")]);
    const unsigned = `GET ${target} HTTP/1.1\r\nhost: a\r\n${CLOSE}\r\n`;
    expect(await answersOf(port, unsigned)).toEqual([refused("missing_signature")]);
  }
  const large = genuine.replace(/^GET \S+/, "POST /echo").replace("host: a", "host: a\r\ncontent-length: 99999999");
  expect(await answersOf(port, large)).toEqual([refused("bad_signature")]);
});

test("a signature in the other profile counts as missing: a request cannot choose", async () => {
  const other = createTestBackend({ routes: ROUTES, profile: "x-fs", clock: { nowMs: () => atMs } });
  const port = await listening(origin());
  const lines = Object.entries(await signRequest(other, { target: "/items/7" })).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const request = ["GET /items/7 HTTP/1.1", "host: a", "connection: close", ...lines, "", ""].join("\r\n");
  expect(await answersOf(port, request)).toEqual([refused("missing_signature")]);
});

test("a signed chunked body beyond 10 MiB is refused, and its connection ends", async () => {
  const port = await listening(origin());
  const head = (await signed(job("a"), "transfer-encoding: chunked\r\n"))
    .replace("content-length: 1\r\n", "")
    .slice(0, -1);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(head);
  const chunk = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < 11; at++) {
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    socket.write("\r\n");
  }
  let answer = "";
  socket.setEncoding("latin1").on("data", (got) => void (answer += got));
  await new Promise((resolve) => socket.on("close", resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*\{"error":"body_too_large"\}$/i);
  expect(served).toEqual([]);
});

describe("an origin refuses", () => {
  /** A backend with the fixture's settings, and the headers of a request that its gateway signs. */
  async function answer(
    parts: Partial<BackendParts<null>>,
    changes: Parameters<typeof toSign>[0] = {},
  ): Promise<string> {
    const view = viewOf("rfc9421");
    backend = new Backend({
      views: { get: async () => view, peek: () => view },
      replay: { claim: async () => true },
      clock: { nowMs: () => atMs },
      log: () => undefined,
      secrets: async () => null,
      close: async () => undefined,
      ...parts,
    });
    const port = await listening(origin());
    const request = await toSign(changes);
    const headers = { host: "a", "content-length": BODY.length, ...signedHeaders("rfc9421", request) };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST ${request.target} HTTP/1.1\r\n${lines.join("")}${CLOSE}\r\n`;
    const socket = connect(port, "127.0.0.1");
    socket.write(head);
    socket.write(BODY);
    return await text(socket);
  }

  test("no valid request", async () => {
    expect(await answer({})).toMatch(/^HTTP\/1\.1 200 /);
  });

  const unopened = { get: () => Promise.reject(new Error("the vault does not open")), peek: () => null };
  const view = viewOf("rfc9421", { keys: [] });
  const full = { claim: () => Promise.reject(new VerificationError("nonce_cache_full", "a million")) };
  test.each<[string, number, Partial<BackendParts<null>>, Parameters<typeof toSign>[0]?]>([
    ["jwks_unavailable", 401, { views: unopened }],
    ["unknown_key_id", 401, { views: { get: async () => view, peek: () => view } }],
    ["context_unverified", 401, {}, { context: "eA" }],
    ["nonce_cache_full", 503, { replay: full }],
    ["replayed_nonce", 401, { replay: { claim: async () => false } }],
  ])("with %s, status %d, and reaches no handler", async (code, status, parts, changes) => {
    const got = await answer(parts, changes);
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*vsync-error: ${code}\r\n[^]*\\{"error":"${code}"\\}$`));
    expect(/\r\nretry-after: 1\r\n/.test(got)).toBe(status === 503);
    expect(got).toContain("cache-control: no-store");
    expect(served).toEqual([]);
  });
});

test.each([
  ["a key", viewOf("rfc9421", { keys: [] })],
  ["a route", viewOf("rfc9421", { backend: { routes: [LIVE] } })],
])("the vault is asked once more for %s that the origin does not know, and the log gets no query", async (_, old) => {
  const known = viewOf("rfc9421");
  const logged: string[] = [];
  const get = async (isKnown?: (view: typeof known) => boolean) => (isKnown?.(old) === false ? known : old);
  const newer = new Backend({
    views: { get, peek: () => old },
    replay: { claim: async (key) => !served.includes(key) && served.push(key) > 0 },
    clock: { nowMs: () => atMs },
    log: ({ path }) => void logged.push(path),
    secrets: async () => null,
    close: async () => undefined,
  });
  const request = await toSign();
  const { method, target } = request;
  const input = { method, target, body: BODY, headers: signedHeaders("rfc9421", request) };
  expect(await newer.verifyRequest(input)).toMatchObject({ routeId: "jobs.create" });
  await expect(newer.verifyRequest(input)).rejects.toMatchObject({ code: "replayed_nonce" });
  expect(logged).toEqual(["/v1/jobs"]);
});

test("a client that waits for 100-continue before 10 MiB learns the refusal, and its connection ends", async () => {
  const port = await listening(origin());
  const head = "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 10485760\r\n\r\n";
  expect((await answersOf(port, head)).at(-1)).toBe(refused("missing_signature"));
});

test("a body that arrives after its window has passed is refused", async () => {
  const port = await listening(origin());
  const bytes = await signed(job("slow"), CLOSE);
  const arrived = once(events, "asked");
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes.slice(0, -1));
  await arrived;
  atMs += 61_000;
  socket.write(bytes.slice(-1));
  expect(await text(socket)).toContain('{"error":"expired_signature"}');
  expect(served).toEqual([]);
});

test("if a client disconnects within its body, the request is not served, and may come again", async () => {
  const port = await listening(origin());
  const bytes = await signed(job("half"), CLOSE);
  const arrived = once(events, "asked");
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes.slice(0, -2));
  await arrived;
  const gone = once(events, "refused");
  socket.resetAndDestroy();
  expect(await gone).toEqual(["body_hash_mismatch"]);
  expect(served).toEqual([]);
  expect(await answersOf(port, bytes)).toEqual(["200 served"]);
});

test("a clock that jumps ahead and back serves no request twice", async () => {
  const port = await listening(origin());
  const [early, late] = [await signed({ target: "/items/1" }, CLOSE), await signed({ target: "/items/2" }, CLOSE)];
  expect(await answersOf(port, early)).toEqual(["200 served"]);
  atMs += 3_600_000;
  expect(await answersOf(port, late)).toEqual([refused("expired_signature")]);
  expect(await answersOf(port, await signed({ target: "/items/3" }, CLOSE))).toEqual(["200 served"]);
  atMs = NOW_MS;
  expect(await answersOf(port, early)).toEqual([refused("replayed_nonce")]);
});

const HANDSHAKE = "connection: Upgrade\r\nupgrade: chat\r\n";

/** A server that accepts upgrades. */
async function upgradable(take: (socket: Socket, verified: boolean) => void): Promise<number> {
  const server = origin();
  const verify = async (request: IncomingMessage, socket: Socket): Promise<void> => {
    events.emit("upgrade", socket);
    take(socket, (await backend.verifyUpgrade(request, socket)) !== null);
  };
  server.on("upgrade", (request, socket: Socket) => void verify(request, socket));
  return await listening(server);
}

describe("an upgrade", () => {
  test("without a signature, from a client that is gone before the response, does not end the process", async () => {
    const port = await upgradable(() => undefined);
    const client = connect(port, "127.0.0.1");
    const taken = once(events, "upgrade");
    client.write(`GET /live HTTP/1.1\r\nhost: a\r\n${HANDSHAKE}\r\n`);
    const [socket] = (await taken) as [Socket];
    // Node.js emits this when its response meets the reset. Without a listener, it would be thrown.
    expect(() => socket.emit("error", new Error("write ECONNRESET"))).not.toThrow();
    client.resetAndDestroy();
  });

  test("that the client resets during verification does not end the process", async () => {
    const claims = new EventEmitter();
    const claim = async (): Promise<boolean> => (claims.emit("claim"), (await once(claims, "answer"))[0] === true);
    backend = createTestBackend({ routes: [LIVE], clock: { nowMs: () => atMs }, replay: { claim } });
    const outcomes = new EventEmitter();
    const port = await upgradable((socket, verified) => outcomes.emit("done", socket.destroyed, verified));
    const [taken, claimed, done] = [once(events, "upgrade"), once(claims, "claim"), once(outcomes, "done")];
    const client = connect(port, "127.0.0.1");
    client.write(await signed({ target: "/live" }, HANDSHAKE));
    const [socket] = (await taken) as [Socket];
    await claimed;
    const closed = new Promise((resolve) => socket.on("close", resolve));
    client.resetAndDestroy();
    await closed;
    claims.emit("answer", true);
    expect(await done).toEqual([true, true]);
  });

  test("that was verified says so, without waiting for a body", async () => {
    const verified = new EventEmitter();
    const server = origin();
    server.on("upgrade", (request: IncomingMessage & { vsync?: unknown }, socket: Socket) => {
      void backend.verifyUpgrade(request, socket).then((context) => verified.emit("done", context, request, socket));
    });
    const [port, done] = [await listening(server), once(verified, "done")];
    const client = connect(port, "127.0.0.1");
    client.write(await signed({ target: "/live" }, `${HANDSHAKE}content-length: 3\r\n`));
    const [context, request, socket] = await done;
    expect(context).toMatchObject({ routeId: "live" });
    expect(request.vsync).toBe(context);
    expect(backend.requireRoute(request, "live", "GET")).toBe(context);
    socket.destroy();
  });

  const full = { claim: () => Promise.reject(new VerificationError("nonce_cache_full", "a million")) };
  test.each([
    ["401 Unauthorized", "missing_signature", undefined],
    ["413 Content Too Large", "body_too_large", "content-length: 99999999\r\n"],
    ["503 Service Unavailable", "nonce_cache_full", ""],
  ])("that is refused is answered with %s", async (status, code, more) => {
    backend = createTestBackend({ routes: [LIVE], clock: { nowMs: () => atMs }, replay: full });
    const port = await upgradable(() => undefined);
    const unsigned = `GET /live HTTP/1.1\r\nhost: a\r\n${HANDSHAKE}\r\n`;
    const socket = connect(port, "127.0.0.1");
    socket.write(more === undefined ? unsigned : await signed({ target: "/live" }, HANDSHAKE + more));
    const body = `{"error":"${code}"}`;
    const lines = [
      `HTTP/1.1 ${status}`,
      "content-type: application/json",
      "cache-control: no-store",
      `vsync-error: ${code}`,
      ...(status.startsWith("503") ? ["retry-after: 1"] : []),
      `content-length: ${body.length}`,
      "connection: close",
    ];
    expect(await text(socket)).toBe(`${lines.join("\r\n")}\r\n\r\n${body}`);
  });

  test("whose verification fails otherwise is closed without an answer, and the app gets the error", async () => {
    const fault = new Error("no clock");
    backend = createTestBackend({
      routes: [LIVE],
      clock: {
        nowMs: () => {
          throw fault;
        },
      },
    });
    const errors = new EventEmitter();
    const server = origin();
    server.on("upgrade", (request, socket: Socket) => {
      backend.verifyUpgrade(request, socket).catch((error: unknown) => errors.emit("caught", error));
    });
    const [port, caught] = [await listening(server), once(errors, "caught")];
    const client = connect(port, "127.0.0.1");
    client.write(`GET /live HTTP/1.1\r\nhost: a\r\n${HANDSHAKE}\r\n`);
    expect(await text(client)).toBe("");
    expect(await caught).toEqual([fault]);
  });

  test("that is refused is closed, although its client keeps its own half open", async () => {
    const port = await upgradable(() => undefined);
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    onTestFinished(() => void client.destroy());
    client.on("error", () => undefined).resume();
    const taken = once(events, "upgrade");
    client.write(`GET /live HTTP/1.1\r\nhost: a\r\n${HANDSHAKE}\r\n`);
    const [socket] = (await taken) as [Socket];
    await new Promise((resolve) => socket.on("close", resolve));
    expect(client.writableEnded).toBe(false);
  });
});

describe("a callback of the app that throws", () => {
  const fault = new Error("the app's own fault");
  const fail = (): never => {
    throw fault;
  };

  /** The middleware as the page shows it: the handler ignores the error. */
  async function answered(verify: ReturnType<Backend["middleware"]>): Promise<[answers: string[], errors: unknown[]]> {
    const errors: unknown[] = [];
    const port = await listening(
      createServer((request, response) => {
        const serve = (): void => void response.end("served");
        Promise.resolve(verify(request, response, serve)).catch((error: unknown) => void errors.push(error));
      }),
    );
    return [await answersOf(port, `GET /items/1 HTTP/1.1\r\nhost: a\r\n${CLOSE}\r\n`), errors];
  }

  test("in log changes nothing", async () => {
    backend = createTestBackend({ routes: [LIVE], log: fail });
    expect(await answered(backend.middleware())).toEqual([[refused("missing_signature")], []]);
    const port = await upgradable(() => undefined);
    const upgrade = `GET /live HTTP/1.1\r\nhost: a\r\n${HANDSHAKE}\r\n`;
    expect(await answersOf(port, upgrade)).toEqual([refused("missing_signature")]);
  });

  test("on a refusal lets nothing through, and its error goes to the framework", async () => {
    expect(await answered(backend.middleware({ onRefused: fail }))).toEqual([[refused("missing_signature")], [fault]]);
  });

  test("on a refusal may answer itself", async () => {
    const onRefused = (_: unknown, request: unknown): void => void (request as { res: ServerResponse }).res.end("mine");
    const verify = backend.middleware({ onRefused });
    const own: typeof verify = (request, response, next) =>
      verify(Object.assign(request, { res: response }), response, next);
    expect(await answered(own)).toEqual([["200 mine"], []]);
  });
});

test("a refused request whose body is long ends its connection: no more of it is read, and nothing after it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const server = origin();
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ port: await listening(server), host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  const received = text(client);
  client.write(`POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n`);
  expect(await received).toMatch(/^HTTP\/1\.1 401 [^]*connection: close[^]*\{"error":"missing_signature"\}$/i);
  const [socket] = await accepted;
  const { bytesRead } = socket;
  client.on("error", () => undefined).write(`0\r\n\r\n${await signed({ target: "/items/7" })}`);
  // The client has time to read the refusal.
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
  expect({ isOpen: !socket.destroyed, read: socket.bytesRead - bytesRead, served }).toEqual({
    isOpen: true,
    read: 0,
    served: [],
  });
  const closed = once(socket, "close");
  vi.runAllTimers();
  await closed;
});

test("over HTTP/2, an unsigned body of 8 MiB is not read", async () => {
  const verify = backend.middleware();
  const server = createHttp2Server(
    (request, response) => void verify(request as never, response as never, () => undefined),
  );
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const port = await listening(server as unknown as Server);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": "/echo" });
  stream.on("error", () => undefined);
  const closed = new Promise((resolve) => stream.on("close", resolve));
  stream.end(Buffer.alloc(8 * 1024 * 1024));
  expect(await text(stream)).toBe('{"error":"missing_signature"}');
  await closed;
  const [socket] = await accepted;
  expect(socket.bytesRead).toBeLessThan(1024 * 1024);
});

test("over HTTP/2, the stream of a signed body beyond 10 MiB ends once its client had time to read the refusal", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const verify = backend.middleware();
  const server = createHttp2Server((request, response) => void verify(request, response, () => undefined));
  const accepted = once(server, "request") as Promise<[Http2ServerRequest]>;
  const session = connectHttp2(`http://127.0.0.1:${await listening(server as unknown as Server)}`);
  onTestFinished(() => session.destroy());
  const body = Buffer.alloc(10 * 1024 * 1024 + 1);
  const headers = await signRequest(backend, { method: "POST", target: "/echo", body });
  const stream = session.request({ ":method": "POST", ":path": "/echo", ...headers });
  stream.on("error", () => undefined).write(body);
  const [request] = await accepted;
  const closed = new Promise((resolve) => request.stream.on("close", resolve));
  expect(await text(stream)).toBe('{"error":"body_too_large"}');
  vi.runAllTimers();
  await closed;
});

describe("over HTTP/2, while the vault is asked, waits", () => {
  test.each([
    ["a request whose head is its end", "GET", null],
    ["an empty body", "POST", ""],
    ["a short body", "POST", "abc"],
    ["a body of more than one window", "POST", "x".repeat(300_000)],
  ])("%s", async (_, method, body) => {
    const vault = new EventEmitter();
    const known = viewOf("rfc9421", { backend: { routes: undefined } });
    const get = async (): Promise<typeof known> => {
      vault.emit("asked");
      await once(vault, "answer");
      return known;
    };
    const asked = once(vault, "asked");
    const parts = { replay: { claim: async () => true }, log: () => undefined, secrets: async () => null };
    const clock = { nowMs: () => atMs };
    const waiting = new Backend({ ...parts, views: { get, peek: () => null }, clock, close: async () => undefined });
    const verify = waiting.middleware();
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      response.end(`served ${(await buffer(request)).length}`);
    };
    const server = createHttp2Server((request, response) => {
      void verify(request, response, () => void answer(request as never, response as never));
    });
    const port = await listening(server as unknown as Server);
    const bytes = new TextEncoder().encode(body ?? "");
    const request = await toSign({ method, target: "/any", routeId: "", contentType: null, body: bytes });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const headers = { ":method": method, ":path": "/any", ...signedHeaders("rfc9421", request) };
    const stream = session.request(headers, { endStream: body === null });
    if (body !== null) stream.end(body);
    await asked;
    // The server has had what came before; pings overtake a body that has not left yet.
    for (let pings = 0; pings < 3; pings++) await new Promise((resolve) => session.ping(resolve));
    vault.emit("answer");
    expect(await text(stream)).toBe(`served ${bytes.length}`);
  });
});
