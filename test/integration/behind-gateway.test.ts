import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createGateway } from "../../src/backend/gateway/create.ts";
import type { Gateway, SignedRequest } from "../../src/backend/gateway/gateway.ts";
import { type DirectoryVault, directoryVault, temporaryFolder } from "../runtime/fixture.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

/* Origins and gateways as processes, with requests over sockets and clocks that move only when the test sets them. */

const PROGRAM = join(import.meta.dirname, "behind-gateway-process.ts");
const SETTINGS = {
  backends: [{ id: "api", maxAgeSeconds: 300, maxStaleMinutes: 5 }],
  routes: [{ id: "item", method: "GET", path: "/items/{id}" }],
};
const SIGNS = { name: "gateway", permissions: ["api.gateway.sign", "api.tokens.verify"] };
const VERIFIES = { name: "api", backend: "api", capabilities: ["gateway_verification"] };
const SERVED = "200 served";

let vault: DirectoryVault;
let origin: Awaited<ReturnType<DirectoryVault["token"]>>;
let gatewayConfig: string;
let gateway: Gateway;
let startMs: number;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  startMs = Date.now();
  vault = await directoryVault();
  await vault.settings(SETTINGS);
  await vault.rotateGatewayKeys();
  origin = await vault.token(VERIFIES);
  gatewayConfig = (await vault.token(SIGNS)).config;
  gateway = await createGateway({ env: { VSYNC_CONFIG: gatewayConfig } });
  return () => vi.useRealTimers();
});

interface Running {
  readonly url: string;
  /** How far its clock is ahead of the test's. */
  readonly skewMs: number;
  readonly child: ChildProcess;
}

async function start(env: NodeJS.ProcessEnv, to: readonly string[] = [], skewMs = 0): Promise<Running> {
  const child = fork(PROGRAM, to, {
    execArgv: COMPILE_CACHE,
    env: { PATH: process.env["PATH"], NOW_MS: String(Date.now() + skewMs), ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [port] = await once(child, "message");
  return { url: `http://127.0.0.1:${port}`, skewMs, child };
}

const startOrigin = (env: NodeJS.ProcessEnv = {}) => start({ VSYNC_CONFIG: origin.config, ...env });

async function setClock({ child, skewMs }: Running): Promise<void> {
  child.send(Date.now() + skewMs);
  await once(child, "message");
}

/** Sets everybody's clock, in seconds since the start. */
async function at(second: number, ...running: readonly Running[]): Promise<void> {
  vi.setSystemTime(startMs + second * 1000);
  await Promise.all(running.map(setClock));
}

const sign = () => gateway.sign({ method: "GET", target: "/items/1", headers: {} });

async function send({ url }: Running, signed?: SignedRequest): Promise<string> {
  const headers = (signed?.headers ?? {}) as Record<string, string>;
  const response = await fetch(`${url}/items/1`, { headers });
  const text = await response.text();
  return text.startsWith("{") ? (JSON.parse(text) as { error: string }).error : `${response.status} ${text}`;
}

test("a request is served by one of two processes that share what they remember, and by none after a restart", async () => {
  const env = { CLAIMS: await temporaryFolder() };
  const both = await Promise.all([startOrigin(env), startOrigin(env)]);
  const signed = await sign();
  const answers = await Promise.all([...both, ...both].map((it) => send(it, signed)));
  expect(answers.toSorted()).toEqual([SERVED, "replayed_nonce", "replayed_nonce", "replayed_nonce"]);
  for (const { child } of both) child.kill("SIGKILL");
  const restarted = await startOrigin(env);
  expect(await send(restarted, signed)).toBe("replayed_nonce");
  expect(await send(restarted, await sign())).toBe(SERVED);
  expect(await send(await startOrigin(), signed)).toBe(SERVED);
});

test("an origin whose token was revoked verifies nothing after 60 s, whatever it had cached", async () => {
  const running = await startOrigin();
  expect(await send(running, await sign())).toBe(SERVED);
  await vault.revokeToken(origin.id);
  await at(60, running);
  expect(await send(running, await sign())).toBe("jwks_unavailable");
});

test("an outage of the store changes nothing for maxStaleMinutes; then requests are refused until it is back", async () => {
  const running = await startOrigin();
  expect(await send(running, await sign())).toBe(SERVED);
  const back = await takeAway();
  for (const second of [61, 180, 240]) {
    await at(second, running);
    expect([second, await send(running, await sign())]).toEqual([second, SERVED]);
  }
  await at(301, running);
  expect(await send(running, await sign())).toBe("jwks_unavailable");
  await back();
  await at(312, running);
  expect(await send(running, await sign())).toBe(SERVED);
});

/**
 * @returns a function that brings the store back
 */
async function takeAway(): Promise<() => Promise<void>> {
  const away = `${vault.folder.slice(0, -1)}.away`;
  await rename(vault.folder, away);
  return () => rename(away, vault.folder);
}

test.each([
  ["", false],
  [", also with the bucket away in its first minute", true],
])("a rotation of the gateway's key under load refuses no request%s", async (_, isAway) => {
  const served = await startOrigin();
  // One gateway is ahead of the origin's clock.
  const gateways = await Promise.all(
    [0, 20_000].map((skewMs) => start({ VSYNC_CONFIG: gatewayConfig }, [served.url], skewMs)),
  );
  const answers: string[] = [];
  const load = async (): Promise<void> => {
    const sent = Array.from({ length: 8 }, () => gateways.map((it) => send(it))).flat();
    answers.push(...(await Promise.all(sent)));
  };
  const loadAt = async (...seconds: readonly number[]): Promise<void> => {
    for (const second of seconds) {
      await at(second, served, ...gateways);
      await load();
    }
  };
  await loadAt(0, 5);
  await Promise.all([load(), vault.rotateGatewayKeys(600_000), load()]);
  const back = isAway ? await takeAway() : null;
  await loadAt(6, 20, 46, 59);
  await back?.();
  await loadAt(61, 80, 105, 119, 121, 130, 300, 599, 606, 620, 900);
  expect(answers).toEqual(Array.from(answers, () => SERVED));
});
