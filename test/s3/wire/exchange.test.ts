import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { networkExchange } from "../../../src/s3/wire/exchange.ts";

let server: Server;
let url: URL;
beforeEach(async () => {
  server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const exchange = networkExchange(5_000);

test("a request that is given up closes its connection, before the answer", async () => {
  const { signal, abort } = aborter();
  const arrived = once(server, "request");
  const failed = exchange({ method: "GET", url, headers: {} }, signal).catch((error: unknown) => error);
  const [request] = await arrived;
  abort();
  await once(request.socket, "close");
  expect(await failed).toBeInstanceOf(Error);
});

test("and in the middle of its body", async () => {
  const { signal, abort } = aborter();
  server.on("request", (_, response) => response.writeHead(200, { "content-length": "10" }).write("half"));
  const arrived = once(server, "request");
  const answer = await exchange({ method: "GET", url, headers: {} }, signal);
  const [request] = await arrived;
  abort();
  await once(request.socket, "close");
  await expect(answer.body.toArray()).rejects.toThrow();
});

test("one that is given up before it begins sends nothing", async () => {
  let requests = 0;
  server.on("request", () => void requests++);
  await expect(exchange({ method: "GET", url, headers: {} }, AbortSignal.abort())).rejects.toThrow();
  expect(requests).toBe(0);
});

test("a long body arrives as it is", async () => {
  const body = new Uint8Array(2.5 * 1024 * 1024).map((_, at) => at % 251);
  server.on("request", (request, response) => request.pipe(response));
  const headers = { "content-length": String(body.length) };
  const answer = await exchange({ method: "PUT", url, headers, body }, new AbortController().signal);
  expect(Buffer.concat(await answer.body.toArray()).equals(body)).toBe(true);
});

function aborter(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
