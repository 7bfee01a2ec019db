import { once } from "node:events";
import { createServer, type Server, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { Gateway } from "../../src/backend/gateway/gateway.ts";
import { gatewayViewOf, Views } from "../../src/backend/views.ts";
import { addressOf, devCoreServer } from "../../src/cli/gateway/dev-core.ts";
import { proxyServer } from "../../src/cli/gateway/proxy.ts";
import { World } from "../support/world.ts";

/*
 * npm's `@farthershore/backend` 0.21.2, unchanged, in an origin behind our gateway: it bootstraps from `vsync dev-core`, over
 * real sockets.
 */

/** Fetches a package on the first run of a machine. */
const TOKEN = "fsrt_test_0123456789abcdef";

interface Client {
  verifyRequest(input: object): Promise<{ requestId: string; routeId: string }>;
}
let peer: { FartherShore: new (options: object) => Client };
beforeAll(async () => {
  const packages = await fetchPackages(join(import.meta.dirname, "../support/peers"));
  const path = join(packages, "node_modules/@farthershore/backend/dist/index.js");
  peer = (await import(pathToFileURL(path).href)) as typeof peer;
});

let world: World;
let servers: Server[];
let gateway: string;
let core: string;

beforeEach(async () => {
  world = await World.pushed();
  world.clock.ms = Date.now();
  await world.settings({
    backends: [{ id: "api", profile: "x-fs" }],
    routes: [
      { id: "jobs.create", method: "POST", path: "/v1/jobs" },
      { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
    ],
  });
  await world.rotateGatewayKeys();
  servers = [];
  const read = () => world.operatorSnapshot();
  core = await listen(devCoreServer({ read, token: TOKEN }));
  const client = new peer.FartherShore({ runtimeToken: TOKEN, coreUrl: core });
  const origin = await listen(
    createServer((request, response) => {
      const { pathname: path, search: query } = new URL(request.url ?? "/", "http://origin");
      const { method, headers } = request;
      const verifying = buffer(request).then((body) => client.verifyRequest({ method, path, query, headers, body }));
      verifying.then(
        (context) => response.end(JSON.stringify(context)),
        (error: { code?: string }) => response.end(JSON.stringify({ refused: error.code })),
      );
    }),
  );
  const source = { openedToken: null, readToken: read };
  const { clock } = world;
  const views = new Views(source, gatewayViewOf, { clock, maxStaleMinutes: () => 60 });
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const signing = new Gateway({ views, recorder: null, clock, random });
  gateway = await listen(proxyServer({ gateway: signing, to: new URL(origin), log: () => {} }));
});

afterEach(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(method: string, path: string, body = "", headers: Record<string, string> = {}): Promise<object> {
  const { hostname, port } = new URL(gateway);
  const request = send({ hostname, port, method, path, headers });
  request.end(body);
  const [response] = await once(request, "response");
  return JSON.parse(await text(response)) as object;
}

test("what our gateway signs is accepted, with its route, body and query", async () => {
  const created = await ask("POST", "/v1/jobs?dry=1&b=%20x", '{"a":1}', { "content-type": "application/json" });
  expect(created).toMatchObject({ routeId: "jobs.create", businessId: world.identity.vault, backendId: "api" });
  expect(await ask("GET", "/v1/jobs/7", "", { "X-Fs-Signature": "forged", x_fs_context: "a.b.c" })).toMatchObject({
    routeId: "jobs.get",
    requestId: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
  });
  expect(await ask("GET", "/V1/jobs/7")).toEqual({ error: "bad_target" });
});

test("after a rotation of the key it goes on", async () => {
  expect(await ask("GET", "/v1/jobs/7")).toMatchObject({ routeId: "jobs.get" });
  await world.rotateGatewayKeys();
  world.clock.ms += 121_000;
  expect(await ask("GET", "/v1/jobs/7")).toMatchObject({ routeId: "jobs.get" });
});

test("the core answers only its own client, and only under its own name", async () => {
  const address = addressOf(servers[0] as Server);
  const boot = (headers: Record<string, string>) =>
    fetch(`${core}/v1/runtime/bootstrap`, { method: "POST", headers, body: "{}" }).then(({ status }) => status);
  expect(await boot({ authorization: `Bearer ${TOKEN}` })).toBe(200);
  expect(await boot({ authorization: "Bearer fsrt_test_other" })).toBe(401);
  const request = send(`http://${address}/.well-known/jwks.json`, {
    headers: { host: `evil.example:${address.split(":")[1]}` },
  });
  request.end();
  const [response] = await once(request, "response");
  response.resume();
  expect(response.statusCode).toBe(421);
});
