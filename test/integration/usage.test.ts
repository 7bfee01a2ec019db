import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { Gateway, type SignedRequest } from "../../src/backend/gateway/gateway.ts";
import { Meter } from "../../src/backend/usage/meter.ts";
import { createUsage, withUsage } from "../../src/backend/usage/report-usage.ts";
import { rememberVerified } from "../../src/backend/verified.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { verifyRequest } from "../../src/backend/verify/verify-request.ts";
import { gatewayViewOf, originViewOf, Views } from "../../src/backend/views.ts";
import { parseCredential } from "../../src/tokens/credential.ts";
import type { TokenSnapshot } from "../../src/tokens/snapshot.ts";
import { batchWriterOf } from "../../src/usage/batch.ts";
import { UsageRecorder } from "../../src/usage/recorder.ts";
import { readUsage } from "../../src/vault/usage/read.ts";
import { ENV, holderOf, OLD, seededRandom, World } from "../support/world.ts";

/*
 * A gateway and its origins over sockets: what a response says of its usage, what the gateway makes of it, and what the vault's
 * operator reads.
 */

const SETTINGS = {
  backends: [{ id: "api", default: true }, { id: "web" }],
  routes: [
    { id: "chat", method: "POST", path: "/chat/*", meters: ["tokens"], maxPerRequest: { tokens: 1000 } },
    { id: "free", method: "GET", path: "/free" },
  ],
  meters: [{ key: "tokens" }, { key: "jobs" }],
};
const ORIGIN = { capabilities: ["gateway_verification", "metering"] };

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

interface Party {
  readonly snapshot: TokenSnapshot;
  readonly recorder: UsageRecorder;
  readonly meter: Meter;
}

let world: World;
let api: Party;
let web: Party;
let gateway: Gateway;
let recorder: UsageRecorder;
let signed: SignedRequest[];
let handle: Handler;
let url: string;

beforeEach(async () => {
  world = await World.pushed();
  await world.settings(SETTINGS);
  await world.rotateGatewayKeys();
  api = await party({ ...ORIGIN, name: "api", backend: "api" });
  web = await party({ ...ORIGIN, name: "web", backend: "web" });
  const permissions = ["api.gateway.sign", "api.tokens.verify"];
  const { snapshot, recorder: own } = await party({ name: "gateway", permissions, capabilities: ["metering"] });
  recorder = own;
  const source = { openedToken: null, readToken: async () => snapshot };
  const views = new Views(source, gatewayViewOf, { clock: world.clock, maxStaleMinutes: () => 60 });
  const random = seededRandom("gateway");
  gateway = new Gateway({ views, clock: world.clock, recorder: recorder, random: (bytes) => random.bytes(bytes) });
  signed = [];
  const origin = await listening((req, res) => void serve(req, res));
  url = await listening((req, res) => void forward(req, res, origin));
});

async function party(claims: object): Promise<Party> {
  const { credential: secret } = (await world.createToken(claims)).plan;
  if (secret === null) throw new TypeError("no token was created");
  const snapshot = await world.tokenSnapshot(secret);
  using credential = parseCredential(secret.exposeText());
  const writer = await batchWriterOf(snapshot.vault, credential);
  const { store, clock } = world;
  const usageKey = async () => snapshot.usageKey;
  const parts = { store, writer, usageKey, spool: null, clock, random: seededRandom(writer.id), later: () => {} };
  const own = new UsageRecorder({ ...parts, warn: (message) => expect.fail(message) });
  return {
    snapshot,
    recorder: own,
    meter: new Meter({ writer, recorder: own, view: () => originViewOf(snapshot), clock }),
  };
}

async function listening(listener: Handler): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The origin verifies, and passes the request on to the test's handler. */
async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method = "", url: target = "", headers } = req;
  const view = originViewOf(api.snapshot);
  const verification = { view, replay: new NonceCache(world.clock), clock: world.clock };
  try {
    const { requestId, routeId } = await verifyRequest(
      { method, target, headers, body: await bodyOf(req) },
      verification,
    );
    rememberVerified(req, { requestId, routeId, reporting: api.meter });
    await handle(req, res);
  } catch (error) {
    res.statusCode = 500;
    res.end(String(error));
  }
}

/** The gateway tells the client how the usage was settled, which a real one does not. */
async function forward(req: IncomingMessage, res: ServerResponse, origin: string): Promise<void> {
  const { method = "", url: target = "", headers } = req;
  const context = { subject: "ann" };
  const request = await gateway.sign({ method, target, headers, body: await bodyOf(req), context });
  signed.push(request);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest(origin, { method, path: request.target, headers: request.headers as never }, resolve);
    sent.on("error", reject).end(request.body);
  });
  const { outcome, reason, headers: forClient } = await gateway.settle(request, answer.headers);
  const { "content-length": _length, ...sent } = forClient as Record<string, string>;
  res.writeHead(answer.statusCode ?? 0, sent);
  res.end(JSON.stringify({ outcome, reason, body: String(await bodyOf(answer)) }));
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function ask(path: string, init: RequestInit = { method: "POST", body: "hello" }) {
  const response = await fetch(url + path, init);
  const { outcome, reason, body } = (await response.json()) as Record<string, string>;
  return { outcome, reason, body, header: response.headers.get("vsync-usage") };
}

async function totals() {
  for (const { recorder: own } of [api, web, { recorder }]) await own.flush();
  const usage = await readUsage(world, { holder: holderOf(OLD), expect: { env: ENV } });
  const rows = usage.totals.by(["subject", "backend"]);
  return {
    rows: rows.map(({ meter, subject, backend, amount }) => `${amount} ${meter} ${backend} ${subject}`.trim()),
    refused: usage.refused.map(({ reason }) => reason),
    doubts: usage.doubts.map(({ text }) => text),
  };
}

test("usage in a response is settled, kept for its subject, and goes no further than the gateway", async () => {
  handle = (req, res) => withUsage(req, res, { tokens: 42 }).end("hi");
  expect(await ask("/chat/1")).toEqual({ outcome: "ok", reason: undefined, body: "hi", header: null });
  expect(await totals()).toEqual({ rows: ["42 tokens api ann"], refused: [], doubts: [] });
});

test("a stream announces its usage, and settles it under the request's id", async () => {
  handle = async (req, res) => {
    const usage = createUsage(req);
    usage.defer(res);
    for (const word of ["to ", "be"]) {
      res.write(word);
      usage.report("tokens", 1);
    }
    res.end();
    await usage.settle();
    await usage.settle();
  };
  expect(await ask("/chat/1")).toMatchObject({ outcome: "ok", body: "to be" });
  expect(await totals()).toEqual({ rows: ["2 tokens api ann"], refused: [], doubts: [] });
});

test("work that no response tells of is metered, once an id", async () => {
  handle = async (req, res) => {
    await api.meter.meter("jobs", 3, { id: "job-1" });
    withUsage(req, res, { tokens: 0 }).end();
  };
  for (const path of ["/chat/1", "/chat/2"]) expect(await ask(path)).toMatchObject({ outcome: "ok" });
  expect(await totals()).toMatchObject({ rows: ["3 jobs api", "0 tokens api ann"] });
});

describe("refused, and in no total, is usage", () => {
  test("moved to another response", async () => {
    let first: unknown;
    handle = (req, res) => {
      withUsage(req, res, { tokens: 42 });
      first ??= res.getHeader("vsync-usage");
      res.setHeader("vsync-usage", first as string).end();
    };
    await ask("/chat/1");
    expect(await ask("/chat/2")).toMatchObject({ outcome: "refused", reason: "the usage is for another request" });
    expect((await totals()).rows).toEqual(["42 tokens api ann"]);
  });

  test("of another backend's token", async () => {
    handle = (req, res) => {
      const { id, routeId } = signed.at(-1) as SignedRequest;
      rememberVerified(req, { requestId: id, routeId, reporting: web.meter });
      withUsage(req, res, { tokens: 42 }).end();
    };
    expect(await ask("/chat/1")).toMatchObject({
      outcome: "refused",
      reason: expect.stringContaining("of the backend web"),
    });
    expect((await totals()).rows).toEqual([]);
  });

  test("of meters outside the route's, or more than one request may use", async () => {
    handle = (req, res) => withUsage(req, res, { jobs: 1 }).end();
    expect(await ask("/chat/1")).toMatchObject({
      outcome: "refused",
      reason: expect.stringContaining("the meter jobs"),
    });
    handle = (req, res) => withUsage(req, res, { tokens: 1001 }).end();
    expect(await ask("/chat/2")).toMatchObject({ outcome: "refused", reason: expect.stringContaining("may use 1000") });
    expect(await ask("/free", {})).toMatchObject({ outcome: "refused" });
    expect((await totals()).rows).toEqual([]);
  });

  test("in doubled headers, which is malformed", async () => {
    handle = (req, res) => {
      withUsage(req, res, { tokens: 42 });
      const said = res.getHeader("vsync-usage") as string;
      res.setHeader("vsync-usage", [said, said]).end();
    };
    expect(await ask("/chat/1")).toMatchObject({ outcome: "malformed", header: null });
    expect((await totals()).rows).toEqual([]);
  });

  test("of a response that was settled before", async () => {
    handle = (req, res) => withUsage(req, res, { tokens: 42 }).end();
    await ask("/chat/1");
    const { id, routeId } = signed[0] as SignedRequest;
    rememberVerified(signed, { requestId: id, routeId, reporting: api.meter });
    const again = withUsage(signed, new Response(), { tokens: 43 });
    const settlement = await gateway.settle(signed[0] as SignedRequest, again.headers);
    expect(settlement).toMatchObject({ outcome: "refused", reason: "the request has been settled" });
  });
});

test("of two settlements at once, one counts", async () => {
  handle = (_req, res) => res.end();
  await ask("/chat/1");
  const { id, routeId } = signed[0] as SignedRequest;
  rememberVerified(signed, { requestId: id, routeId, reporting: api.meter });
  const { headers } = withUsage(signed, new Response(), { tokens: 42 });
  const both = await Promise.all([1, 2].map(() => gateway.settle(signed[0] as SignedRequest, headers)));
  expect(both.map(({ outcome }) => outcome)).toEqual(["ok", "refused"]);
});

test("a metered route without usage is missing, and another route needs none", async () => {
  handle = (_req, res) => res.end("hi");
  expect(await ask("/chat/1")).toMatchObject({ outcome: "missing", body: "hi" });
  expect(await ask("/free", {})).toMatchObject({ outcome: "ok", body: "hi" });
});
