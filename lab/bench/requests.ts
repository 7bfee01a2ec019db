import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { createTestBackend, signRequest } from "../../src/backend/testing.ts";

/** What an origin does: verify `times` requests of 1 KiB, or refuse as many of `bytes` without a signature, over sockets. */
export type RequestJob =
  | { readonly do: "verify-request"; readonly by: "vsync" | "npm"; readonly times: number }
  | { readonly do: "refuse-request"; readonly bytes: number; readonly times: number };

const BODY = Buffer.alloc(1024, "a");
const ROUTES = [{ id: "jobs.create", method: "POST", path: "/v1/jobs" }];

export async function requestWork(job: RequestJob): Promise<() => Promise<unknown>> {
  if (job.do === "refuse-request") return refusing(job.bytes, job.times);
  return job.by === "vsync" ? verifying(job.times) : verifyingByNpm(job.times);
}

async function verifying(times: number): Promise<() => Promise<void>> {
  const backend = createTestBackend({ routes: ROUTES });
  const request = { method: "POST", target: "/v1/jobs", headers: { "content-type": "application/json" }, body: BODY };
  const sent: Parameters<typeof backend.verifyRequest>[0][] = [];
  for (let time = 0; time < times; time++) {
    const signed = await signRequest(backend, request);
    sent.push({ ...request, headers: { ...request.headers, "content-length": "1024", ...signed } });
  }
  return async () => {
    for (const one of sent) await backend.verifyRequest(one);
  };
}

interface Npm {
  NonceCache: new () => object;
  verifyRequest(input: object, deps: object): Promise<unknown>;
}
interface NpmTesting {
  memoryJwks(keys: readonly object[]): object;
  makeSignedRequest(spec: object): Promise<{ input: object; headers: object }>;
}

async function verifyingByNpm(times: number): Promise<() => Promise<void>> {
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
  return async () => {
    for (const one of sent) await npm.verifyRequest(one, deps);
  };
}

async function refusing(bytes: number, times: number): Promise<() => Promise<void>> {
  const verify = createTestBackend({ routes: ROUTES }).middleware();
  const server = createServer((request, response) => void verify(request, response, () => response.end()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  server.unref();
  const { port } = server.address() as AddressInfo;
  const body = Buffer.alloc(bytes);
  return async () => {
    for (let time = 0; time < times; time++) await refused(port, body);
  };
}

/** Until the answer is there. */
async function refused(port: number, body: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(`POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  await once(socket, "data");
  socket.destroy();
}
