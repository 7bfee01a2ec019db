import type { RuntimeName } from "../support/runtimes.ts";

/**
 * An app by somebody who has installed vsync: it prints its port, and answers with the route and the job that it
 * received.
 */
export interface OriginApp {
  readonly runtime: RuntimeName;
  /** Flags of the runtime. */
  readonly flags?: readonly string[];
  readonly packages?: readonly string[];
  /** Files next to the program. */
  readonly files?: Readonly<Record<string, string>>;
  /** Runs before the program. */
  readonly build?: readonly string[];
  readonly program: string;
}

const FETCH = `
  import { initFromEnv } from "vsync/backend";
  const backend = initFromEnv();
  const serve = backend.protect(async (request) => Response.json([request.vsync.routeId, await request.json()]));
`;

export const ORIGINS: Readonly<Record<string, OriginApp>> = {
  "Express 5": {
    runtime: "node24",
    packages: ["express"],
    program: `
      import express from "express";
      import { initFromEnv } from "vsync/backend";
      const backend = initFromEnv();
      const app = express().use(backend.middleware()).use(express.json());
      app.post("/v1/jobs", backend.route("jobs.create"), ({ vsync, body }, response) => response.json([vsync.routeId, body]));
      const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
    `,
  },
  Fastify: {
    runtime: "node24",
    packages: ["fastify"],
    program: `
      import { fastify } from "fastify";
      import { createFastifyPlugin, initFromEnv } from "vsync/backend";
      const backend = initFromEnv();
      const app = fastify();
      app.register(createFastifyPlugin(backend));
      app.post("/v1/jobs", { preHandler: backend.route("jobs.create") }, async ({ vsync, body }) => [vsync.routeId, body]);
      await app.listen({ host: "127.0.0.1", port: 0 });
      console.log(app.server.address().port);
    `,
  },
  Koa: {
    runtime: "node24",
    packages: ["koa"],
    program: `
      import Koa from "koa";
      import { json } from "node:stream/consumers";
      import { createKoaMiddleware, createKoaRouteGuard, initFromEnv } from "vsync/backend";
      const backend = initFromEnv();
      const app = new Koa().use(createKoaMiddleware(backend)).use(createKoaRouteGuard(backend, "jobs.create"));
      app.use(async (context) => void (context.body = [context.state.vsync.routeId, await json(context.req)]));
      const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
    `,
  },
  Nest: {
    runtime: "node24",
    packages: ["@nestjs", "reflect-metadata", "rxjs"],
    // The code that TypeScript generates for decorators.
    program: `
      import "reflect-metadata";
      import { Controller, HttpCode, Module, Post, Req, UseGuards } from "@nestjs/common";
      import { NestFactory } from "@nestjs/core";
      import { createNestGuard, initFromEnv } from "vsync/backend";
      const backend = initFromEnv();
      class Jobs {
        create({ vsync, body }) { return [vsync.routeId, body]; }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Jobs.prototype, "create");
      for (const decorate of [Post("/v1/jobs"), HttpCode(200), UseGuards(createNestGuard(backend, "jobs.create"))]) decorate(Jobs.prototype, "create", descriptor);
      Req()(Jobs.prototype, "create", 0);
      Controller()(Jobs);
      class App {}
      Module({ controllers: [Jobs] })(App);
      const app = await NestFactory.create(App, { logger: false });
      app.use(backend.middleware());
      await app.listen(0, "127.0.0.1");
      console.log(app.getHttpServer().address().port);
    `,
  },
  Hono: {
    runtime: "node24",
    packages: ["hono", "@hono"],
    program: `
      import { serve } from "@hono/node-server";
      import { Hono } from "hono";
      import { initFromEnv } from "vsync/backend";
      const backend = initFromEnv();
      const app = new Hono();
      app.post("/v1/jobs", async ({ req, json }) => json([req.raw.vsync.routeId, await req.json()]));
      serve({ fetch: backend.protect(app.fetch), hostname: "127.0.0.1", port: 0 }, ({ port }) => console.log(port));
    `,
  },
  Next: {
    runtime: "node24",
    packages: ["next", "react", "react-dom"],
    files: {
      // node_modules has links to where the tests keep packages, and Turbopack resolves nothing outside its root.
      "next.config.mjs": `export default { turbopack: { root: "/" } };`,
      "app/v1/jobs/route.js": `
        import { initFromEnv } from "vsync/backend";
        let serve;
        const handler = async (request) => Response.json([request.vsync.routeId, await request.json()]);
        export const POST = (request) => (serve ??= initFromEnv().protect(handler))(request);
      `,
    },
    build: ["node_modules/next/dist/bin/next", "build"],
    program: `
      import { createServer } from "node:http";
      import next from "next";
      const { log } = console;
      // Next prints lines of its own.
      console.log = console.error;
      const server = createServer();
      const app = next({ dir: import.meta.dirname, httpServer: server });
      await app.prepare();
      server.on("request", app.getRequestHandler()).listen(0, "127.0.0.1", () => log(server.address().port));
    `,
  },
  "a Lambda function": {
    runtime: "node24",
    // A function URL turns a request into an event.
    program: `
      import { createServer } from "node:http";
      import { buffer } from "node:stream/consumers";
      import { createLambdaHandler, initFromEnv } from "vsync/backend";
      const handler = createLambdaHandler(initFromEnv(), async ({ vsync, body, isBase64Encoded }) => {
        const job = JSON.parse(Buffer.from(body, isBase64Encoded ? "base64" : "utf8").toString());
        return { statusCode: 200, body: JSON.stringify([vsync.routeId, job]) };
      });
      const server = createServer(async (request, response) => {
        const [rawPath, rawQueryString = ""] = request.url.split("?");
        const { method, headers } = request;
        const body = (await buffer(request)).toString("base64");
        const event = { version: "2.0", rawPath, rawQueryString, headers, requestContext: { http: { method } }, body, isBase64Encoded: true };
        const answer = await handler(event);
        response.writeHead(answer.statusCode, answer.headers).end(answer.body);
      }).listen(0, "127.0.0.1", () => console.log(server.address().port));
    `,
  },
  Bun: {
    runtime: "bun",
    program: `${FETCH} console.log(Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: serve }).port);`,
  },
  Deno: {
    runtime: "deno",
    flags: ["run", "--allow-env", "--allow-net", "--allow-read", "--allow-write", "--allow-sys"],
    program: `${FETCH} Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, serve);`,
  },
};

export const WORKER = {
  "worker.mjs": `
    import { initFromEnv } from "vsync/backend";
    const backend = initFromEnv();
    const handler = async (request) => {
      const { pathname, search } = new URL(request.url);
      if (search === "?meter") await backend.meter("jobs", 1, { id: pathname });
      const body = request.method === "POST" ? [await request.json()] : [];
      return Response.json([request.vsync.routeId, ...body]);
    };
    export default { fetch: backend.protect(handler) };
  `,
  "bundle.mjs": `
    import { build } from "esbuild";
    const options = { bundle: true, format: "esm", conditions: ["workerd", "worker", "browser"], external: ["node:*", "argon2"] };
    await build({ ...options, entryPoints: ["worker.mjs"], outfile: "worker.js", logLevel: "warning" });
  `,
  "worker.capnp": `
    using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "main", worker = .worker),
        (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );
    const worker :Workerd.Worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-03-17",
      compatibilityFlags = ["nodejs_compat"],
      bindings = [(name = "VSYNC_CONFIG", fromEnvironment = "VSYNC_CONFIG")],
    );
  `,
};
