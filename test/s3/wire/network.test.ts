import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { OutcomeUnknownError, S3UnreachableError } from "../../../src/errors.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import type { S3Options } from "../../../src/s3/wire/options.ts";
import { text } from "../../contract/fixture.ts";
import { failureOf, openAt } from "../fixture.ts";

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** The port of a loopback server that answers with `serve`. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

const repliesInPlain = (socket: Socket): void =>
  void socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));

interface Case {
  readonly name: string;
  readonly endpoint: () => Promise<string>;
  readonly message: RegExp;
  readonly options?: Partial<S3Options>;
}

const ONE_TRY: Partial<S3Options> = { limits: { attempts: 1 } };

/** Nothing was sent, so a write need not be settled. */
const unsent: readonly Case[] = [
  {
    name: "a name that does not resolve",
    endpoint: async () => "http://vsync-test.invalid",
    message: /: the name vsync-test\.invalid does not resolve( now)?$/,
  },
  {
    name: "a refused connection",
    // Below the range from which the kernel picks ports.
    endpoint: async () => "http://127.0.0.1:1",
    message: /: 127\.0\.0\.1:\d+ refuses connections$/,
  },
  {
    name: "TLS to a plain port",
    endpoint: async () => `https://127.0.0.1:${await listen(repliesInPlain)}`,
    message: /: 127\.0\.0\.1:\d+ does not speak TLS \(\w+\)$/,
  },
  {
    name: "a TLS handshake that never ends",
    endpoint: async () => `https://127.0.0.1:${await listen(() => {})}`,
    message: /: no connection to 127\.0\.0\.1:\d+ within 0\.3 s$/,
    options: { limits: { attempts: 1, connectTimeoutMs: 300 } },
  },
  {
    name: "a TLS handshake that is cut off",
    endpoint: async () => `https://127.0.0.1:${await listen((socket) => socket.once("data", () => socket.end()))}`,
    message: /: no connection to 127\.0\.0\.1:\d+ \(ECONNRESET\)$/,
  },
];

describe.each(unsent)("$name", ({ endpoint, message, options }) => {
  test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ["a read", (store) => store.head("manifest")],
    ["a write", (store) => store.create("manifest", text("bytes"))],
  ])("%s", async (_, call) => {
    const store = openAt({ endpoint: await endpoint(), region: "us-east-1" }, {}, options ?? {});
    const error = await failureOf(call(store));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(message);
  });
});

test("after a reset of an open connection, the write may have arrived", async () => {
  const port = await listen((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const store = openAt({ endpoint: `http://127.0.0.1:${port}`, region: "us-east-1" }, {}, ONE_TRY);
  expect(await failureOf(store.create("manifest", text("bytes")))).toBeInstanceOf(OutcomeUnknownError);
  const error = await failureOf(store.head("manifest"));
  expect(error.message).toMatch(/: 127\.0\.0\.1:\d+ closed the connection$/);
});

test("names a server that does not speak HTTP", async () => {
  const port = await listen((socket) => socket.end("SSH-2.0-example\r\n"));
  const error = await failureOf(openAt({ endpoint: `http://127.0.0.1:${port}`, region: "x" }, {}, ONE_TRY).head("m"));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.message).toMatch(/: 127\.0\.0\.1:\d+ does not speak HTTP$/);
});

test("recognises a web page", async () => {
  const body = "<!doctype html><p>welcome<br>";
  const page = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const port = await listen((socket) => socket.on("data", () => socket.write(page)));
  const store = openAt({ endpoint: `http://127.0.0.1:${port}`, region: "x" }, {}, ONE_TRY);
  const error = await failureOf(store.get("manifest", { maxBytes: 1000 }));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.message).toMatch(/ answered with a web page \(HTML\), as captive portals and proxies do$/);
});

test("shortens and escapes a server's message", async () => {
  const code = `\u001b[2J\u202eEvil\u0007${"x".repeat(500)}`;
  const body = `<Error><Code>${code.replace("\u001b", "&#27;").replace("\u0007", "&#7;")}</Code></Error>`;
  const page = `HTTP/1.1 418 No\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const port = await listen((socket) => socket.on("data", () => socket.write(page)));
  const store = openAt({ endpoint: `http://127.0.0.1:${port}`, region: "x" }, {}, ONE_TRY);
  const { message } = await failureOf(store.get("manifest", { maxBytes: 1000 }));
  expect(message).toMatch(/ answered 418 \[2J Evil x+…$/);
  expect(message.length).toBeLessThan(160);
});
