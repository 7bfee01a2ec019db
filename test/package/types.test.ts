import { symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { appOf, FETCH_LIMIT_MS, runIn } from "./app.ts";
import { installedPackage } from "./installed.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const CHECKS = join(import.meta.dirname, "../support/package-checks");

/** Code that must compile, with the types it gets. */
const RIGHT = `
  import { AccessDeniedError, type ErrorCode, type Logger, type OpenOptions, type ValueSource, Vsync, VsyncError } from "vsync";

  export async function right(signal: AbortSignal, cache: string): Promise<string> {
    const plain: Vsync = await Vsync.open();
    const v = await Vsync.open({ config: "", passphrase: "", env: {}, defaults: { PORT: "1" }, signal, timeoutMs: 1000 });
    await Vsync.open({ cache, maxAge: 3_600_000 });
    const maybe: string | undefined = v.get("A");
    const sure: string = v.require("A");
    const bytes: Uint8Array | undefined = v.bytes("f");
    const path: string = await v.path("f");
    const source: ValueSource = v.source("A");
    const numbers: number = v.generation + v.ageMs;
    const names: string[] = [...v.keys(), ...v.files(), v.env];
    const has: boolean = v.has("A");
    try {
      await plain.close();
      await v[Symbol.asyncDispose]();
    } catch (error) {
      if (error instanceof AccessDeniedError) return error.code satisfies "ACCESS_DENIED";
      if (error instanceof VsyncError) {
        const code: ErrorCode = error.code;
        const hint: string | undefined = error.hint;
        return code + hint + error.message + error.name;
      }
    }
    return [maybe, sure, bytes?.length, path, source, numbers, names, has].join();
  }

  export const later = (options: OpenOptions): Promise<Vsync> => Vsync.open(options);
  export const logger: Logger = { warn: (fields: object, message: string) => void [fields, message] };
`;

/** Code that must not compile; each comment gives the reason. */
const WRONG = `
  import { Vsync, VsyncError } from "vsync";

  export async function wrong(v: Vsync): Promise<void> {
    // @ts-expect-error a cache without a maximum age would last for ever
    await Vsync.open({ cache: "/tmp/vault.cache" });
    // @ts-expect-error a maximum age needs a cache
    await Vsync.open({ maxAge: 1000 });
    // @ts-expect-error a duration is a number of milliseconds
    await Vsync.open({ cache: "/tmp/vault.cache", maxAge: "1h" });
    // @ts-expect-error an unknown option
    await Vsync.open({ timeout: 1000 });
    // @ts-expect-error a passphrase is text
    await Vsync.open({ passphrase: new Uint8Array(8) });
    // @ts-expect-error defaults are text, like the environment
    await Vsync.open({ defaults: { PORT: 8080 } });
    // @ts-expect-error a handle comes from open
    new Vsync();
    // @ts-expect-error it may be undefined: require it, or give a fallback
    const url: string = v.get("DATABASE_URL");
    // @ts-expect-error a file's path is a promise
    const path: string = v.path("sa.json");
    // @ts-expect-error an open vault does not change
    v.generation = 1;
    // @ts-expect-error it closes asynchronously: use await using
    using held = v;
    // @ts-expect-error the base class is only for catching
    new VsyncError("mine");
    void [url, path, held];
  }
`;

const PINO = `
  import { pino } from "pino";
  import { Vsync } from "vsync";
  export const opened = [Vsync.open({ logger: pino() }), Vsync.open({ logger: console }), Vsync.open({ env: process.env })];
`;

/** An origin in each framework, type-checked against the framework's own types. */
const ORIGIN = `
  import { createServer } from "node:http";
  import { createServer as createHttp2Server } from "node:http2";
  import { type CanActivate, UseGuards } from "@nestjs/common";
  import express, { type Request as ExpressRequest, type Response as ExpressResponse } from "express";
  import { fastify } from "fastify";
  import { Hono } from "hono";
  import Koa from "koa";
  import * as vsync from "vsync/backend";
  import { createGateway, GatewayError } from "vsync/gateway";

  const backend = vsync.initFromEnv();
  const app = express().use(backend.middleware({ onRefused: (error) => console.warn(error.code) }));
  app.post("/v1/jobs", backend.route("jobs.create"), (request: ExpressRequest, response: ExpressResponse) => {
    vsync.withUsage(request, response, { tokens: 1 }).json(request.vsync?.context?.subject);
  });
  const server = createServer(app);
  server.on("upgrade", async (request, socket) => {
    const verified: vsync.RequestContext | null = await backend.verifyUpgrade(request, socket);
    console.log(verified?.routeId, await backend.ready(app, server));
  });
  const verify = backend.middleware();
  createServer((request, response) => void verify(request, response, () => response.end(backend.contextOf(request).routeId)));
  createHttp2Server((request, response) => void verify(request, response, () => response.end()));

  const fast = fastify();
  fast.register(vsync.createFastifyPlugin(backend));
  fast.post("/v1/jobs", { preHandler: backend.route("jobs.create") }, async (request, reply) => {
    vsync.withUsage(request, reply, { tokens: 1 });
    return backend.contextOf(request).requestId;
  });

  const koa = new Koa().use(vsync.createKoaMiddleware(backend)).use(vsync.createKoaRouteGuard(backend, "jobs.create"));
  koa.use(async (context) => void (context.body = context.state["vsync"]));

  const hono = new Hono().post("/v1/jobs", ({ req, json }) => json(req.raw.vsync?.routeId ?? null));
  export const origin = { fetch: backend.protect(hono.fetch) };
  interface Context { waitUntil(work: Promise<unknown>): void }
  export const worker = {
    fetch: backend.protect(async (request, env: { NAME: string }, context: Context) => {
      const usage = vsync.createUsage(request).report("tokens", 1);
      context.waitUntil(usage.settle());
      return usage.defer(new Response(request.vsync.routeId + env.NAME));
    }),
  };
  export const route = (request: Request) => backend.protect((it) => Response.json(it.vsync.bodyVerified))(request);
  export const lambda = vsync.createLambdaHandler(backend, async ({ vsync }) => ({ statusCode: 200, body: vsync.requestId }));
  export const guard: CanActivate = vsync.createNestGuard(backend, "jobs.create");
  export class Jobs {
    @UseGuards(guard) create() {}
  }

  export async function relay(): Promise<vsync.HealthReport> {
    const gateway = await createGateway();
    const signed = await gateway.sign({ method: "GET", target: "/", headers: new Headers() });
    const { status, headers } = await gateway.settle(signed, new Headers());
    try {
      await backend.verifyRequest({ method: "GET", path: "/", query: "a=b", headers, body: new Uint8Array() });
    } catch (error) {
      if (error instanceof vsync.VerificationError) console.log(vsync.statusForCode(error.code), status);
      if (error instanceof GatewayError) console.log(error.status);
    }
    return backend.health();
  }
`;

const STRICT = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, target: "es2022" };

const nodenext = { module: "nodenext", moduleResolution: "nodenext" };
const bundler = { module: "esnext", moduleResolution: "bundler" };
const withNode = { types: ["node"] };
const withoutNode = { types: [], lib: ["es2022", "dom", "esnext.disposable"] };

const PROJECTS: Record<string, { type: "module" | "commonjs"; options: object; files: Record<string, string> }> = {
  "an ES module, nodenext": { type: "module", options: { ...nodenext, ...withNode }, files: { "pino.ts": PINO } },
  "a CommonJS module, nodenext": { type: "commonjs", options: { ...nodenext, ...withNode }, files: {} },
  "for a bundler": { type: "module", options: { ...bundler, ...withNode }, files: { "pino.ts": PINO } },
  "without the types of Node.js": { type: "module", options: { ...bundler, ...withoutNode }, files: {} },
};

/** Node's types and pino, which users' programs have. */
async function projectOf(name: string): Promise<string> {
  const { type, options, files } = PROJECTS[name]!;
  const folder = await appOf({
    "package.json": JSON.stringify({ type }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: { ...STRICT, ...options },
      files: ["right.ts", "wrong.ts", ...Object.keys(files)],
    }),
    "right.ts": RIGHT,
    "wrong.ts": WRONG,
    ...files,
  });
  await symlink(join(REPOSITORY, "node_modules/@types"), join(folder, "node_modules/@types"));
  await symlink(join(REPOSITORY, "node_modules/pino"), join(folder, "node_modules/pino"));
  return folder;
}

beforeAll(async () => void (await Promise.all([installedPackage(), fetchPackages(CHECKS)])), FETCH_LIMIT_MS);

/** The frameworks that origins are written with. */
const FRAMEWORKS = ["@nestjs", "@types", "express", "fastify", "hono", "koa", "reflect-metadata", "rxjs"];

test.each([nodenext, bundler])(
  "an origin in each framework compiles: $moduleResolution",
  async (options) => {
    // Other packages' types have errors of their own.
    const all = { ...STRICT, ...options, skipLibCheck: true, experimentalDecorators: true, lib: ["es2024", "dom"] };
    const config = JSON.stringify({ compilerOptions: { ...all, types: ["node"] }, files: ["origin.ts"] });
    const files = { "package.json": '{"type":"module"}', "tsconfig.json": config, "origin.ts": ORIGIN };
    const folder = await appOf(files, FRAMEWORKS);
    const command = [process.execPath, join(REPOSITORY, "node_modules/typescript/bin/tsc"), "-p", folder];
    const ended = await runIn(folder, { PATH: dirname(process.execPath) }, command);
    expect(ended).toEqual({ stdout: "", stderr: "", status: 0 });
  },
  FETCH_LIMIT_MS,
);

const COMPILERS: Record<string, () => Promise<string>> = {
  "this repository's TypeScript": async () => join(REPOSITORY, "node_modules/typescript/bin/tsc"),
  "an older one": async () => join(await fetchPackages(CHECKS), "node_modules/typescript/bin/tsc"),
};

describe.each(Object.keys(COMPILERS))("%s", (compiler) => {
  // TypeScript supports `require` of an ES module from 5.8 on.
  const projects = Object.keys(PROJECTS).filter((name) => compiler !== "an older one" || !name.includes("CommonJS"));

  test.each(projects)("accepts correct code and refuses wrong code: %s", async (name) => {
    const folder = await projectOf(name);
    const command = [process.execPath, await COMPILERS[compiler]!(), "-p", folder];
    expect(await runIn(folder, { PATH: dirname(process.execPath) }, command)).toEqual({
      stdout: "",
      stderr: "",
      status: 0,
    });
  });
});
