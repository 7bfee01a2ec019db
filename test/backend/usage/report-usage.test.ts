import { ServerResponse } from "node:http";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createUsage, withUsage } from "../../../src/backend/usage/report-usage.ts";
import { type DeferredUsage, rememberVerified } from "../../../src/backend/verified.ts";
import { parseStatement, parseUsageClaims } from "../../../src/usage/statement.ts";

const refuse = (fault: string) => new Error(fault);
const read = (header: string | null | undefined) => parseUsageClaims(parseStatement(header ?? "", refuse), refuse);

const recorded: DeferredUsage[] = [];
const reporting = {
  vault: "v",
  id: `tok_${"0".repeat(32)}`,
  meters: ["tokens_used", "jobs"],
  sign: () => new Uint8Array(64),
  clock: { nowMs: () => 1_700_000_000_500 },
  recordDeferred: async (usage: DeferredUsage) => void recorded.push(usage),
};
const request = {};

beforeEach(() => {
  rememberVerified(request, { requestId: "req-1", routeId: "jobs.create", reporting });
  recorded.length = 0;
});

test("usage names the request that the gateway signed, and replaces earlier usage", () => {
  const response = new Response("body", { headers: { "Vsync-Usage": "planted" } });
  const wrapped = withUsage(request, response, { tokens_used: 42 }, { context: { model: "m" }, credits: { coins: 2 } });
  expect(wrapped).toBe(response);
  expect(read(wrapped.headers.get("vsync-usage"))).toEqual({
    iss: "vsync:v",
    iat: 1_700_000_000,
    request_id: "req-1",
    route_id: "jobs.create",
    usage: { tokens_used: 42 },
    context: { model: "m" },
    credits: { coins: 2 },
  });
});

const fastify = { sent: "", header: (_name: string, value: string) => void Object.assign(fastify, { sent: value }) };

test.each<[string, object, (response: never) => unknown]>([
  ["Node.js", new ServerResponse({ method: "GET" } as never), (r: ServerResponse) => r.getHeader("vsync-usage")],
  ["a redirect", Response.redirect("https://example.com/"), (r: Response) => r.headers.get("vsync-usage")],
  ["Lambda", { headers: { "VSYNC-Usage": "planted" } }, (r: { headers: object }) => Object.values(r.headers).join()],
  ["Fastify", fastify, () => fastify.sent],
])("a response of %s can carry usage", (_what, response, headerOf) => {
  const wrapped = createUsage(request).report("jobs", 1).report("jobs", 2).wrap(response);
  expect(read(String(headerOf(wrapped as never))).usage).toEqual({ jobs: 3 });
});

test("a redirect can carry usage even if a framework has replaced the global Response", () => {
  vi.stubGlobal("Response", class extends Response {});
  onTestFinished(() => void vi.unstubAllGlobals());
  const wrapped = createUsage(request).report("jobs", 3).wrap(Response.redirect("https://example.com/"));
  expect(read(wrapped.headers.get("vsync-usage")).usage).toEqual({ jobs: 3 });
});

test("a stream announces its usage, and settles it under the request's id", async () => {
  const usage = createUsage(request, { context: { model: "m" } });
  const response = usage.defer(new Response("stream"));
  const announced = read(response.headers.get("vsync-usage"));
  expect(announced).toMatchObject({ pending: true });
  expect(announced).toHaveProperty("usage", {});
  await usage.report("tokens_used", 7).settle();
  expect(recorded).toEqual([
    { requestId: "req-1", routeId: "jobs.create", usage: { tokens_used: 7 }, context: { model: "m" } },
  ]);
});

test.each([
  ["unverified_request", () => withUsage({}, new Response(), { jobs: 1 })],
  ["unverified_request", () => createUsage(structuredClone(request))],
  ["invalid_meter_key", () => withUsage(request, new Response(), { Jobs: 1 })],
  ["invalid_meter_key", () => withUsage(request, new Response(), { others: 1 })],
  ["invalid_meter_value", () => withUsage(request, new Response(), {})],
  ["invalid_meter_value", () => withUsage(request, new Response(), { jobs: -1 })],
  ["invalid_meter_value", () => withUsage(request, new Response(), { jobs: 1.5 })],
  ["invalid_meter_value", () => createUsage(request).report("jobs", Number.MAX_SAFE_INTEGER).report("jobs", 1)],
  ["invalid_meter_value", () => withUsage(request, new Response(), { jobs: 1 }, { context: { heat: 0.5 } })],
  [
    "invalid_meter_value",
    () => withUsage(request, new Response(), { jobs: 1 }, { context: { long: "x".repeat(4096) } }),
  ],
])("%s: nothing is signed", (code, report) => {
  expect(report).toThrow(expect.objectContaining({ name: "MeteringError", code }));
});
