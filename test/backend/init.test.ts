import { once } from "node:events";
import { rename } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Backend, Refusal } from "../../src/backend/backend.ts";
import { createGateway } from "../../src/backend/gateway/create.ts";
import type { Gateway } from "../../src/backend/gateway/gateway.ts";
import { type InitOptions, initFromEnv } from "../../src/backend/init.ts";
import { type DirectoryVault, directoryVault, ITEMS } from "../runtime/fixture.ts";

const SETTINGS = {
  backends: [{ id: "api", maxStaleMinutes: 5 }],
  routes: [{ id: "item", method: "GET", path: "/items/{id}" }],
};
const SIGNS = { name: "gateway", permissions: ["api.gateway.sign"] };
const VERIFIES = { name: "api", backend: "api", capabilities: ["gateway_verification"] };

let aheadMs: number;
const clock = { nowMs: (): number => Date.now() + aheadMs };
let vault: DirectoryVault;
let origin: { id: string; config: string };
let gateway: Gateway;
let refusals: Refusal[];
beforeEach(async () => {
  aheadMs = 0;
  refusals = [];
  vault = await directoryVault();
  await vault.settings(SETTINGS);
  await vault.rotateGatewayKeys();
  origin = await vault.token(VERIFIES);
  const { config } = await vault.token(SIGNS);
  gateway = await createGateway({ env: { VSYNC_CONFIG: config }, clock });
});

function start(options: InitOptions = {}): Backend {
  const log = (refusal: Refusal): void => void refusals.push(refusal);
  const backend = initFromEnv({ env: { VSYNC_CONFIG: origin.config }, clock, log, ...options });
  onTestFinished(() => backend.shutdown());
  return backend;
}

/** Signs a request at the gateway, and has the origin verify it. */
async function pass(backend: Backend): Promise<string> {
  const signed = await gateway.sign({ method: "GET", target: "/items/1", headers: {} });
  return codeOf(backend, signed);
}

type Signed = Awaited<ReturnType<Gateway["sign"]>>;
const codeOf = (backend: Backend, { target, headers }: Signed): Promise<string> =>
  backend.verifyRequest({ method: "GET", target, headers }).then(
    ({ routeId }) => routeId,
    ({ code }: { code: string }) => code,
  );

describe("a backend whose token cannot work", () => {
  test.each<[string, () => InitOptions, string]>([
    ["neither variable", () => ({ env: {} }), "missing_token"],
    ["an empty variable", () => ({ env: { VSYNC_CONFIG: "" } }), "missing_token"],
    ["an empty credential", () => ({ env: { VSYNC_CONFIG: origin.config, VSYNC_TOKEN: "" } }), "missing_token"],
    ["no runtime token", () => ({ env: { VSYNC_CONFIG: "vsrt_live_x" } }), "invalid_token"],
    ["a credential with a slip", () => ({ config: origin.config, token: "vsrt_live_x", env: {} }), "invalid_token"],
    ["a passphrase", () => ({ env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE: "p" } }), "invalid_token"],
  ])("is refused at once: %s", (_, options, code) => {
    expect(() => initFromEnv(options())).toThrow(expect.objectContaining({ code }));
  });
});

test("serves what its gateway signed over a socket, and has the vault's secrets", async () => {
  const backend = start();
  expect(backend.health()).toMatchObject({ status: "starting", verified: 0 });
  const verify = backend.middleware();
  const server = createServer((request, response) => void verify(request, response, () => response.end("served")));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { target, headers } = await gateway.sign({ method: "GET", target: "/items/1", headers: {} });
  const send = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${target}`, { headers: headers as Record<string, string> });
  expect(await (await send()).text()).toBe("served");
  expect(await (await send()).json()).toEqual({ error: "replayed_nonce" });
  expect(String(await backend.secrets)).toBe(`[vsync gen=${backend.health().generation} env=prod]`);
  expect(((await backend.secrets) as { get(name: string): string }).get("API_KEY")).toBe(ITEMS[1].data);
  const health = backend.health();
  expect(health).toMatchObject({ status: "ok", backend: "api", verified: 1, refused: { replayed_nonce: 1 } });
  expect(health.keyIds).toHaveLength(1);
});

test("while the vault does not open, requests are refused; it is tried again after 10 s", async () => {
  await rename(vault.folder, `${vault.folder.slice(0, -1)}.away`);
  const backend = start();
  const signed = await gateway.sign({ method: "GET", target: "/items/1", headers: {} });
  expect(await codeOf(backend, signed)).toBe("jwks_unavailable");
  await rename(`${vault.folder.slice(0, -1)}.away`, vault.folder);
  expect(await codeOf(backend, signed)).toBe("jwks_unavailable");
  aheadMs = 10_000;
  expect(await codeOf(backend, signed)).toBe("item");
});

test("shutdown runs the hooks once, and nothing is verified a minute later", async () => {
  const backend = start();
  const order: string[] = [];
  backend.onShutdown(() => order.push("first"));
  backend.onShutdown(() => order.push("second"));
  expect(await pass(backend)).toBe("item");
  await Promise.all([backend.shutdown(), backend.shutdown()]);
  expect(order).toEqual(["first", "second"]);
  aheadMs = 61_000;
  expect(await pass(backend)).toBe("jwks_unavailable");
});
