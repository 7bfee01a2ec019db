/** @module-tag process */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createGateway } from "../../src/backend/gateway/create.ts";
import type { Gateway } from "../../src/backend/gateway/gateway.ts";
import { type BucketVault, bucketVault } from "../runtime/bucket-fixture.ts";
import { runtimePath } from "../support/runtimes.ts";
import { appOf, FETCH_LIMIT_MS, runIn, startIn } from "./app.ts";
import { installedPackage } from "./installed.ts";
import { ORIGINS, type OriginApp, WORKER } from "./origins.ts";

const SETTINGS = {
  backends: [{ id: "api" }],
  routes: [
    { id: "jobs.create", method: "POST", path: "/v1/jobs" },
    { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
  ],
  meters: [{ key: "jobs" }],
};

interface Behind {
  readonly vault: BucketVault;
  readonly gateway: Gateway;
  /** The origin's token. */
  readonly config: string;
  readonly gatewayConfig: string;
}

/** A vault in a bucket, its gateway, and the token of an origin. */
async function behindGateway(): Promise<Behind> {
  const vault = await bucketVault();
  await vault.settings(SETTINGS);
  await vault.rotateGatewayKeys();
  const permissions = ["api.gateway.sign", "api.tokens.verify"];
  const { config: gatewayConfig } = await vault.token({ name: "gateway", permissions });
  const { config } = await vault.token({
    name: "api",
    backend: "api",
    capabilities: ["gateway_verification", "metering"],
  });
  const gateway = await createGateway({ env: { VSYNC_CONFIG: gatewayConfig } });
  vault.server.log.length = 0;
  return { vault, config, gateway, gatewayConfig };
}

async function startOrigin(
  { runtime, flags = [], packages = [], files = {}, build, program }: OriginApp,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const [path, folder] = await Promise.all([
    runtimePath(runtime),
    appOf({ "package.json": '{"type":"module"}', "origin.mjs": program, ...files }, packages),
  ]);
  const variables = { PORT: "0", NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" };
  // Without the token, as in an app's build.
  if (build !== undefined) expect(await runIn(folder, variables, [path, ...build])).toMatchObject({ status: 0 });
  const { line } = startIn(folder, { ...variables, ...env }, [path, ...flags, "origin.mjs"]);
  return `http://127.0.0.1:${/\d+$/.exec(await line)?.[0]}`;
}

/** Bundles a Worker as wrangler does, and runs it as Cloudflare does. */
async function startWorker(config: string): Promise<string> {
  const [program, folder] = await Promise.all([runtimePath("workerd"), appOf(WORKER, ["esbuild"])]);
  const bundled = await runIn(folder, {}, [process.execPath, "bundle.mjs"]);
  expect(bundled).toEqual({ stdout: "", stderr: "", status: 0 });
  const { line } = startIn(folder, { VSYNC_CONFIG: config }, [program, "serve", "worker.capnp", "--control-fd=1"]);
  return `http://127.0.0.1:${JSON.parse(await line).port}`;
}

async function signedGet(gateway: Gateway, target: string): Promise<Record<string, string>> {
  return (await gateway.sign({ method: "GET", target, headers: {} })).headers as Record<string, string>;
}

/**
 * The origin's answers to a job that its gateway signed, to an unsigned one, to another job, and to the first one
 * again.
 */
async function answersOf(origin: string, gateway: Gateway): Promise<unknown[]> {
  const job = { method: "POST", body: '{"name":"nightly"}' };
  const body = new TextEncoder().encode(job.body);
  const sign = async () => {
    const headers = { "content-type": "application/json" };
    const signed = await gateway.sign({ method: "POST", target: "/v1/jobs?dry=1", headers, body });
    return signed.headers as Record<string, string>;
  };
  const signed = await sign();
  const sent = [
    { ...job, headers: signed },
    { ...job, headers: { "content-type": "application/json" } },
    { ...job, headers: await sign(), body: '{"name":"monthly"}' },
    { ...job, headers: signed },
  ];
  const answers: unknown[] = [];
  for (const init of sent) {
    const answer = await fetch(`${origin}/v1/jobs?dry=1`, init);
    answers.push([answer.status, await answer.json()]);
  }
  return answers;
}

const ANSWERS = [
  [200, ["jobs.create", { name: "nightly" }]],
  [401, { error: "missing_signature" }],
  [401, { error: "body_hash_mismatch" }],
  [401, { error: "replayed_nonce" }],
];

beforeAll(async () => void (await installedPackage()), FETCH_LIMIT_MS);

describe("an origin with the packed package serves what its gateway signed, and nothing else", {
  timeout: FETCH_LIMIT_MS,
}, () => {
  test.each(Object.entries(ORIGINS))("in %s", async (_, app) => {
    const { config, gateway } = await behindGateway();
    expect(await answersOf(await startOrigin(app, { VSYNC_CONFIG: config }), gateway)).toEqual(ANSWERS);
  });
});

describe("a Worker", { timeout: FETCH_LIMIT_MS }, () => {
  test("serves what its gateway signed, and waits for nothing that another request began", async () => {
    const { vault, config, gateway } = await behindGateway();
    const worker = await startWorker(config);
    vault.server.faults.add({ method: "GET" }, { kind: "hang", apply: false });
    const cut = new AbortController();
    const first = fetch(`${worker}/v1/jobs/6`, { headers: await signedGet(gateway, "/v1/jobs/6"), signal: cut.signal });
    await expect.poll(() => vault.server.log.length).toBe(1);
    const second = await fetch(`${worker}/v1/jobs/7`, { headers: await signedGet(gateway, "/v1/jobs/7") });
    expect(await second.json()).toEqual(["jobs.get"]);
    cut.abort();
    await expect(first).rejects.toThrow();
    expect(await answersOf(worker, gateway)).toEqual(ANSWERS);
  });

  test("has its usage in the bucket when meter() resolves", async () => {
    const { vault, config, gateway } = await behindGateway();
    const worker = await startWorker(config);
    const headers = await signedGet(gateway, "/v1/jobs/7?meter");
    expect((await fetch(`${worker}/v1/jobs/7?meter`, { headers })).status).toBe(200);
    const written = vault.server.log.filter(({ method }) => method === "PUT").map(({ key }) => key);
    expect(written).toEqual([expect.stringMatching(/^api\/prod\/usage\/tok_/)]);
  });
});

describe("examples/gateway.mjs", { timeout: FETCH_LIMIT_MS }, () => {
  const example = (name: string): string => readFileSync(join(import.meta.dirname, "../../examples", name), "utf8");
  const GATEWAY: OriginApp = { runtime: "node24", program: example("gateway.mjs") };
  const EXAMPLES: Readonly<Record<string, OriginApp>> = {
    "origin-express.mjs": { runtime: "node24", packages: ["express"], program: example("origin-express.mjs") },
    "origin-hono.mjs": {
      runtime: "bun",
      packages: ["hono"],
      files: { "origin-hono.mjs": example("origin-hono.mjs") },
      program: `import origin from "./origin-hono.mjs"; console.log(Bun.serve({ port: 0, ...origin }).port);`,
    },
  };

  test.each(Object.entries(EXAMPLES))("stands in front of examples/%s", async (_, app) => {
    const { config, gatewayConfig } = await behindGateway();
    const origin = await startOrigin(app, { VSYNC_CONFIG: config });
    const gateway = await startOrigin(GATEWAY, {
      VSYNC_CONFIG: gatewayConfig,
      ORIGINS: JSON.stringify({ api: origin }),
    });
    const ask = async (url: string, init: RequestInit = {}): Promise<unknown[]> => {
      const answer = await fetch(url, init);
      return [answer.status, await answer.json()];
    };
    const job = { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"nightly"}' };
    expect(await ask(`${gateway}/v1/jobs/7`)).toEqual([200, { id: "7", for: null }]);
    expect(await ask(`${gateway}/v1/jobs`, job)).toEqual([201, { id: expect.any(String), job: { name: "nightly" } }]);
    expect(await ask(`${gateway}/V1/jobs/7`)).toEqual([400, { error: "bad_target" }]);
    expect(await ask(`${gateway}/nowhere`)).toEqual([404, { error: "route_unknown" }]);
    expect(await ask(`${origin}/v1/jobs/7`)).toEqual([401, { error: "missing_signature" }]);
  });
});
