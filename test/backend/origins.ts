import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { createFastifyPlugin } from "../../src/backend/adapters/fastify.ts";
import { createKoaMiddleware, createKoaRouteGuard } from "../../src/backend/adapters/koa.ts";
import { createLambdaHandler, type LambdaEvent } from "../../src/backend/adapters/lambda.ts";
import { createNestGuard } from "../../src/backend/adapters/nest.ts";
import type { Backend } from "../../src/backend/backend.ts";
import type { RouteSetting } from "../../src/tokens/backends/settings.ts";

/** The routes that every origin serves; each handler answers with what it received. */
export const ROUTES: readonly RouteSetting[] = [
  { id: "echo", method: "POST", path: "/echo" },
  { id: "json", method: "POST", path: "/json" },
  { id: "item", method: "GET", path: "/items/{id}" },
  { id: "options", method: "OPTIONS", path: "/items/{id}" },
  { id: "admin", method: "GET", path: "/admin/{id}" },
  { id: "delete", method: "DELETE", path: "/items/{id}" },
  { id: "upload", method: "PUT", path: "/upload", body: "unsigned" },
];

export interface Seen {
  readonly served: string;
  readonly method: string;
  /** The headers of the received request that only a gateway may set, in every form a handler can read them. */
  readonly trusted: readonly string[];
  readonly bytes?: number;
  readonly json?: unknown;
  readonly subject?: string | undefined;
  readonly bodyVerified?: boolean;
}

const TRUSTED = /vsync|x.fs|signature/i;

type Verified = { context: { subject: string } | null; bodyVerified: boolean };
type Body = { readonly bytes?: Uint8Array; readonly json?: unknown };

const seenBy = (served: string, request: IncomingMessage, body: Body, vsync: Verified | undefined): Seen => {
  const { headers, headersDistinct, rawHeaders, trailers, trailersDistinct, rawTrailers } = request;
  const maps = [headers, headersDistinct, trailers, trailersDistinct].flatMap((it) => Object.keys(it ?? {}));
  const raw = [...rawHeaders, ...(rawTrailers ?? [])].filter((_, at) => at % 2 === 0);
  const names = [...maps, ...raw].filter((name) => TRUSTED.test(name));
  const { bytes, json } = body;
  return {
    served,
    method: request.method ?? "",
    trusted: names,
    ...(bytes === undefined ? {} : { bytes: bytes.length }),
    ...(json === undefined ? {} : { json }),
    subject: vsync?.context?.subject,
    bodyVerified: vsync?.bodyVerified ?? false,
  };
};

let packages: Promise<NodeJS.Require> | undefined;

/** `require` among the frameworks. The first call on a machine fetches them. */
export function frameworks(): Promise<NodeJS.Require> {
  packages ??= fetchPackages(join(import.meta.dirname, "../support/frameworks")).then((folder) =>
    createRequire(pathToFileURL(join(folder, "package.json"))),
  );
  return packages;
}

// The frameworks come without their types: they are not dependencies of this repository.
// oxlint-disable typescript/no-explicit-any
type Any = any;

type Listener = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
/**
 * @param isHttp2 whether requests come over HTTP/2, through the compatibility API of Node.js
 */
export type Origin = (backend: Backend, isHttp2: boolean) => Promise<Listener>;

/** A `(request, response, next)` handler without a framework, as Connect would run it. */
const plain: Origin = async (backend) => {
  const verify = backend.middleware();
  return (request, response) => verify(request, response, (error: unknown) => void serve(request, response, error));
  async function serve(request: IncomingMessage & { vsync?: Verified }, response: ServerResponse, error: unknown) {
    if (error !== undefined) return void response.writeHead(500).end("failed");
    const served = { POST: "echo", PUT: "upload", OPTIONS: "options" }[request.method ?? ""] ?? "item";
    const bytes = await buffer(request);
    answer(response, seenBy(request.url?.startsWith("/admin") ? "admin" : served, request, { bytes }, request.vsync));
  }
};

const answer = (response: ServerResponse, seen: Seen): void => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
};

const express: Origin = async (backend) => {
  const createExpress = (await frameworks())("express");
  const app = createExpress();
  app.use(backend.middleware());
  app.post("/echo", backend.route("echo"), async (request: Any, response: Any) => {
    answer(response, seenBy("echo", request, { bytes: await buffer(request) }, request.vsync));
  });
  app.use(createExpress.json());
  const json = (served: string) => (request: Any, response: Any) =>
    answer(response, seenBy(served, request, { json: request.body }, request.vsync));
  app.post("/json", backend.route("json"), json("json"));
  app.options("/items/:id", backend.route("options"), json("options"));
  for (const [id, method] of [
    ["item", "get"],
    ["delete", "delete"],
  ] as const) {
    app[method]("/items/:id", backend.route(id), json(id));
  }
  app.get("/admin/:id", backend.route("admin"), json("admin"));
  app.put("/upload", backend.route("upload"), async (request: Any, response: Any) => {
    answer(response, seenBy("upload", request, { bytes: await buffer(request) }, request.vsync));
  });
  return app;
};

const BODY_LIMIT = 32 * 1024 * 1024;

const fastify: Origin = async (backend, http2) => {
  const { fastify: create } = (await frameworks())("fastify");
  const app = create({ bodyLimit: BODY_LIMIT, http2 });
  app.register(createFastifyPlugin(backend));
  app.addContentTypeParser("*", async (_: Any, payload: Any) => ({ bytes: await buffer(payload) }));
  const seen = (id: string) => async (request: Any) => {
    const body = request.body?.bytes === undefined ? { json: request.body } : { bytes: request.body.bytes };
    return seenBy(id, request.raw, body, request.vsync);
  };
  for (const { id, method, path } of ROUTES) {
    app.route({ method, url: path.replace("{id}", ":id"), preHandler: backend.route(id), handler: seen(id) });
  }
  await app.ready();
  return app.routing;
};

const koa: Origin = async (backend) => {
  const Koa = (await frameworks())("koa");
  const app = new (Koa.default ?? Koa)();
  app.use(createKoaMiddleware(backend));
  app.use(async (context: Any) => {
    const route = ROUTES.find(({ method, path }) => {
      const served = context.method === "HEAD" ? "GET" : context.method;
      return method === served && new RegExp(`^${path.replace("{id}", "[^/]+")}$`, "i").test(context.path);
    });
    if (route === undefined) return;
    await createKoaRouteGuard(backend, route.id)(context, async () => {
      const bytes = await buffer(context.req);
      context.body = seenBy(route.id, context.req, { bytes }, context.state.vsync);
    });
  });
  return app.callback();
};

const nest: Origin = async (backend) => {
  const app = await nestApp(backend);
  app.use(backend.middleware());
  await app.init();
  return app.getHttpAdapter().getInstance();
};

const nestOnFastify: Origin = async (backend, http2) => {
  const { FastifyAdapter } = (await frameworks())("@nestjs/platform-fastify");
  const app = await nestApp(backend, new FastifyAdapter({ bodyLimit: BODY_LIMIT, http2 }));
  await app.register(createFastifyPlugin(backend));
  const instance = app.getHttpAdapter().getInstance();
  instance.addContentTypeParser("*", async (_: Any, payload: Any) => ({ bytes: await buffer(payload) }));
  await app.init();
  await instance.ready();
  return instance.routing;
};

async function nestApp(backend: Backend, ...adapter: Any[]): Promise<Any> {
  const load = await frameworks();
  load("reflect-metadata");
  const { Module, Controller, Get, Post, Put, Options, Delete, Req, UseGuards } = load("@nestjs/common");
  const { NestFactory } = load("@nestjs/core");
  const verbs: Any = { GET: Get, POST: Post, PUT: Put, OPTIONS: Options, DELETE: Delete };
  const Handlers = function Handlers() {};
  for (const { id, method, path } of ROUTES) {
    const handler = async (request: Any) => {
      const bytes =
        request.body?.bytes ?? (request.raw === undefined && id !== "json" ? await buffer(request) : undefined);
      return seenBy(
        id,
        request.raw ?? request,
        bytes === undefined ? { json: request.body } : { bytes },
        request.vsync,
      );
    };
    const descriptor = { value: handler, configurable: true, writable: true };
    Object.defineProperty(Handlers.prototype, id, descriptor);
    verbs[method](path.replace("{id}", ":id"))(Handlers.prototype, id, descriptor);
    UseGuards(createNestGuard(backend, id))(Handlers.prototype, id, descriptor);
    Req()(Handlers.prototype, id, 0);
  }
  Controller()(Handlers);
  const App = function App() {};
  Module({ controllers: [Handlers] })(App);
  return NestFactory.create(App, ...adapter, { logger: false, abortOnError: false });
}

/** A Fetch handler has no Node.js request: it can read the headers only. */
const asMessage = (request: Request): IncomingMessage =>
  ({
    method: request.method,
    headers: Object.fromEntries(request.headers),
    rawHeaders: [],
  }) as unknown as IncomingMessage;

const hono: Origin = async (backend) => {
  const load = await frameworks();
  const { Hono } = load("hono");
  const { getRequestListener } = load("@hono/node-server");
  const app = new Hono();
  for (const { id, method, path } of ROUTES) {
    app.on(method, path.replace("{id}", ":id"), async (context: Any) => {
      const request = context.req.raw;
      const body =
        id === "json" ? { json: await request.json() } : { bytes: new Uint8Array(await request.arrayBuffer()) };
      return context.json(seenBy(id, asMessage(request), body, request.vsync));
    });
  }
  return getRequestListener(backend.protect((request) => app.fetch(request)));
};

/** The event that an HTTP API makes from a request. */
const lambda: Origin = async (backend) => {
  const handler = createLambdaHandler(backend, async (event) => {
    const bytes = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
    const message = { method: event.requestContext.http.method, headers: event.headers, rawHeaders: [] };
    const seen = seenBy(event.vsync.routeId, message as unknown as IncomingMessage, { bytes }, event.vsync);
    return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(seen) };
  });
  return async (request, response) => {
    const [rawPath = "", ...query] = (request.url ?? "").split("?");
    const lines = Object.entries(request.headersDistinct).map(([name, values]) => [name, values?.join(",")]);
    const event: LambdaEvent = {
      version: "2.0",
      rawPath,
      rawQueryString: query.join("?"),
      headers: Object.fromEntries(lines),
      requestContext: { http: { method: request.method ?? "" } },
      body: (await buffer(request)).toString("base64"),
      isBase64Encoded: true,
    };
    const { statusCode, headers, body } = await handler(event);
    response.writeHead(statusCode, headers).end(body);
  };
};

export const ORIGINS = { plain, express, fastify, koa, nest, "nest on fastify": nestOnFastify, hono, lambda } as const;
export type OriginName = keyof typeof ORIGINS;

export interface Running extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

/** Starts an origin on its own port. HTTP/2 is served without TLS. */
export async function startOrigin(name: OriginName, backend: Backend, isHttp2 = false): Promise<Running> {
  const listener = await ORIGINS[name](backend, isHttp2);
  const create = isHttp2 ? (createHttp2Server as unknown as typeof createServer) : createServer;
  const server = create((request, response) => void listener(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections?.();
      await new Promise((closed) => server.close(closed));
    },
  };
}
