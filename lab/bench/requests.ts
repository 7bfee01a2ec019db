import { type ChildProcess, fork } from "node:child_process";
import { generateKeyPairSync, sign, verify, webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { createGateway } from "../../src/backend/gateway/create.ts";
import { initFromEnv } from "../../src/backend/init.ts";
import { createTestBackend, signRequest } from "../../src/backend/testing.ts";
import type { UnsignedJob } from "./unsigned-client.ts";

/**
 * What an origin does: verify `times` requests of 1 KiB, beside the signatures alone; refuse as many of `bytes` without a
 * signature, over sockets; or open its vault for the first one.
 */
export type RequestJob =
  | {
      readonly do: "verify-request";
      readonly by: "vsync" | "npm" | "crypto.verify";
      readonly times: number;
      /** How many are under way at a time, as behind a server: default 1. */
      readonly atOnce?: number;
    }
  | { readonly do: "refuse-request"; readonly bytes: number; readonly times: number }
  | { readonly do: "first-request"; readonly origin: string; readonly gateway: string };

const BODY = Buffer.alloc(1024, "a");
const ROUTES = [{ id: "jobs.create", method: "POST", path: "/v1/jobs" }];

export async function requestWork(job: RequestJob): Promise<() => Promise<unknown>> {
  if (job.do === "refuse-request") return refusing(job.bytes, job.times);
  if (job.do === "first-request") return serving(job.origin, job.gateway);
  if (job.by === "crypto.verify") return verifyingSignatures(job.times);
  const { times, atOnce = 1 } = job;
  return job.by === "vsync" ? verifying(times, atOnce) : verifyingByNpm(times, atOnce);
}

/** The least that any verifier takes. */
async function verifyingSignatures(times: number): Promise<() => Promise<void>> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const signed = Array.from({ length: times }, (_, at) => Buffer.from(`${"a".repeat(320)}${at}`));
  const signatures = signed.map((text) => sign(null, text, privateKey));
  return async () => {
    for (const [at, text] of signed.entries()) verify(null, text, publicKey, signatures[at] ?? Buffer.alloc(0));
  };
}

async function serving(config: string, gateway: string): Promise<() => Promise<void>> {
  const signer = await createGateway({ env: { VSYNC_CONFIG: gateway } });
  const request = { method: "POST", target: "/v1/jobs", headers: {}, body: BODY };
  const signed = await signer.sign(request);
  return async () => {
    const backend = initFromEnv({ env: {}, config, spool: false });
    await backend.verifyRequest({ ...request, headers: signed.headers });
    await backend.shutdown();
  };
}

async function verifying(times: number, atOnce: number): Promise<() => Promise<void>> {
  const backend = createTestBackend({ routes: ROUTES });
  const request = { method: "POST", target: "/v1/jobs", headers: { "content-type": "application/json" }, body: BODY };
  const sent: Parameters<typeof backend.verifyRequest>[0][] = [];
  for (let time = 0; time < times; time++) {
    const signed = await signRequest(backend, request);
    sent.push({ ...request, headers: { ...request.headers, "content-length": "1024", ...signed } });
  }
  return () => eachOf(sent, atOnce, (one) => backend.verifyRequest(one));
}

/** Does the work for all of them, `atOnce` at a time. */
async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

interface Npm {
  NonceCache: new () => object;
  verifyRequest(input: object, deps: object): Promise<unknown>;
}
interface NpmTesting {
  memoryJwks(keys: readonly object[]): object;
  makeSignedRequest(spec: object): Promise<{ input: object; headers: object }>;
}

async function verifyingByNpm(times: number, atOnce: number): Promise<() => Promise<void>> {
  const packages = await fetchPackages(join(import.meta.dirname, "../../test/support/peers"));
  const load = (file: string) =>
    import(pathToFileURL(join(packages, "node_modules/@farthershore/backend/dist", file)).href);
  const [npm, testing] = [(await load("index.js")) as Npm, (await load("testing/index.js")) as NpmTesting];
  const pair = (await webcrypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const privateJwk = await webcrypto.subtle.exportKey("jwk", pair.privateKey);
  const { d: _, key_ops: __, ...publicJwk } = privateJwk;
  const claim = { businessId: "v", backendId: "api", kid: "gw-1", timestamp: Math.floor(Date.now() / 1000) };
  const spec = { ...claim, privateJwk, method: "POST", path: "/v1/jobs", query: "", body: BODY };
  const sent: object[] = [];
  for (let time = 0; time < times; time++) {
    const { input, headers } = await testing.makeSignedRequest({ ...spec, requestId: `r-${time}` });
    sent.push({ ...input, headers, body: BODY });
  }
  const jwks = testing.memoryJwks([{ ...publicJwk, kid: "gw-1" }]);
  const deps = { jwks, nonceCache: new npm.NonceCache(), businessId: "v", backendId: "api" };
  return () => eachOf(sent, atOnce, (one) => npm.verifyRequest(one, deps));
}

let client: ChildProcess | undefined;

async function refusing(bytes: number, times: number): Promise<() => Promise<void>> {
  const guard = createTestBackend({ routes: ROUTES }).middleware();
  const server = createServer((request, response) => void guard(request, response, () => response.end()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  server.unref();
  const { port } = server.address() as AddressInfo;
  const sender = (client ??= startClient());
  return async () => {
    sender.send({ port, bytes, times } satisfies UnsignedJob);
    await once(sender, "message");
  };
}

/** It ends with this process, and keeps it from ending no longer than it has to answer. */
function startClient(): ChildProcess {
  const started = fork(join(import.meta.dirname, "unsigned-client.ts"), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  started.unref();
  started.channel?.unref();
  return started;
}
