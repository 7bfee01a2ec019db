import { createServer } from "node:http";
import { expect, test } from "vitest";
import { createTestBackend } from "../../src/backend/testing.ts";
import { frameworks } from "./origins.ts";

/** Fetches the frameworks on the first run of a machine. */
const FETCH_LIMIT_MS = 300_000;
const BACKEND = createTestBackend({
  routes: [
    { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
    { id: "jobs.create", method: "POST", path: "/v1/jobs" },
    { id: "files", method: "PUT", path: "/files/*" },
  ],
});

// Express comes without its types.
// oxlint-disable typescript/no-explicit-any
type Any = any;
const serve = (_: unknown, response: Any): void => response.end();
const exact = (app: Any): Any => app.enable("case sensitive routing").enable("strict routing");
const complete = (app: Any): Any =>
  app.get("/v1/jobs/:name", serve).post("/v1/jobs", serve).put("/files/*rest", BACKEND.route("files"), serve);
const AS_SIGNED = { ok: true, unregistered: [], undeclared: [], warnings: [] };

const CASES: readonly [string, (express: Any) => Any, object][] = [
  ["nothing in an app as it was signed", (express) => complete(exact(express()).use(BACKEND.middleware())), AS_SIGNED],
  [
    "nothing of routers with a middleware of their own",
    (express) => {
      const router = express.Router({ caseSensitive: true, strict: true }).use(BACKEND.middleware());
      router.get("/jobs/:id", serve).post("/jobs", serve);
      return exact(express()).use("/v1", router).put("/files/*rest", BACKEND.middleware(), serve);
    },
    AS_SIGNED,
  ],
  [
    "routes that only one of them has",
    (express) =>
      exact(express()).use(BACKEND.middleware()).get("/v1/jobs/:id", serve).all("/files/*r", serve).get("/x", serve),
    { ok: false, unregistered: ["POST /v1/jobs"], undeclared: ["GET /x"], warnings: [] },
  ],
  [
    "routes before the middleware",
    (express) => complete(exact(express()).get("/healthz", serve).use(BACKEND.middleware())),
    { undeclared: ["GET /healthz"], warnings: [/^GET \/healthz is registered before .*: it serves everybody$/] },
  ],
  [
    "that the middleware is missing",
    (express) => complete(exact(express())),
    { warnings: [/no request is verified$/] },
  ],
  [
    "that the middleware is mounted at a path",
    (express) => complete(exact(express()).use("/v1", BACKEND.middleware())),
    { warnings: [/^backend\.middleware\(\) is mounted at a path/] },
  ],
  [
    "routing that ignores case and a slash, also of one router or of settings that came too late",
    (express) => exact(complete(express().use(BACKEND.middleware()))),
    { warnings: [/^routes ignore case/, /^routes ignore a slash/] },
  ],
  [
    "an app of another framework, and of Express 4",
    () => ({
      get router() {
        throw new Error("'app.router' is deprecated!");
      },
    }),
    { ok: false, unregistered: [], undeclared: [], warnings: [/only Express shows them$/] },
  ],
];

test.each(CASES)("reports %s", { timeout: FETCH_LIMIT_MS }, async (_, make, report) => {
  const { warnings, ...rest } = report as { warnings: readonly RegExp[] };
  const expected = { ...rest, warnings: warnings.map((pattern) => expect.stringMatching(pattern)) };
  expect(await BACKEND.ready(make((await frameworks())("express")))).toMatchObject(expected);
});

test("reports a server that takes upgrades", { timeout: FETCH_LIMIT_MS }, async () => {
  const server = createServer();
  const app = complete(exact((await frameworks())("express")()).use(BACKEND.middleware()));
  expect(await BACKEND.ready(app, server)).toEqual(AS_SIGNED);
  server.on("upgrade", () => undefined);
  expect(await BACKEND.ready(app, server)).toMatchObject({ ok: false, warnings: [expect.stringMatching(/upgrades/)] });
});
