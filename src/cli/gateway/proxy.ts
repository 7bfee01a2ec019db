import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from "node:http";
import { type Duplex, pipeline } from "node:stream";
import type { Gateway, SignedRequest } from "../../backend/gateway/gateway.ts";
import { GatewayError } from "../../backend/gateway/gateway-error.ts";
import { isForLoopback } from "./dev-core.ts";

export interface Proxy {
  readonly gateway: Gateway;
  /** The server of every backend. */
  readonly to: URL;
  readonly log: (line: string) => void;
}

/** A reverse proxy that signs each request. `examples/gateway.mjs` is the same as a program of its own. */
export function proxyServer(proxy: Proxy): Server {
  const server = createServer((request, response) => void serve(proxy, request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void serveUpgrade(proxy, request, socket, head);
  });
  return server;
}

async function serve(proxy: Proxy, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { gateway, log } = proxy;
  try {
    requireOwn(request);
    const signed = await signedRequest(gateway, request);
    const answer = await ask(proxy, request, signed);
    const settled = await gateway.settle(signed, answer.headers);
    response.writeHead(settled.status ?? answer.statusCode ?? 502, withoutHop(settled.headers));
    // If one of them breaks off, so does the other.
    pipeline(answer, response, () => undefined);
    const reason = settled.outcome === "ok" ? "" : ` (${settled.outcome}: ${settled.reason ?? ""})`;
    log(`${request.method} ${request.url} ${response.statusCode} ${signed.routeId || "no route"}${reason}`);
  } catch (error) {
    const [status, code] = refusalOf(error);
    log(`${request.method} ${request.url} ${status} ${error instanceof Error ? error.message : code}`);
    if (response.headersSent) return void response.destroy();
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(`${JSON.stringify({ error: code })}\n`);
  }
}

/** Browsers send whatever a page asks for: a form of another site, a socket, an image. Those must not be signed. */
function requireOwn(request: IncomingMessage): void {
  if (!isForLoopback(request)) throw new GatewayError("bad_request", "the Host is not this server's");
  const { origin, "sec-fetch-site": site } = request.headers;
  const isOther = origin === undefined ? site === "cross-site" : !LOOPBACK_ORIGIN.test(origin);
  if (isOther) throw new GatewayError("bad_request", `a page of another site sent it (${origin ?? site})`);
}

const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

function signedRequest(gateway: Gateway, request: IncomingMessage, upgrade = false): Promise<SignedRequest> {
  const { method = "GET", url: target = "/", headersDistinct: headers } = request;
  return gateway.sign({ method, target, headers, upgrade, body: (maxBytes) => bytesOf(request, maxBytes) });
}

/** Stops reading after `maxBytes`, and the request is refused. */
async function bytesOf(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(chunks);
}

function ask({ to }: Proxy, request: IncomingMessage, signed: SignedRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const passed = send(optionsOf(to, request, signed), resolve);
    passed.on("error", reject);
    if (signed.body === null) passOn(request, passed);
    else passed.end(signed.body);
  });
}

/** A client that goes away within its body leaves no request to the origin. */
function passOn(request: IncomingMessage, passed: ClientRequest): void {
  request.pipe(passed);
  request.on("close", () => request.complete || passed.destroy());
}

function optionsOf({ hostname, port, host }: URL, { method }: IncomingMessage, signed: SignedRequest) {
  return {
    hostname,
    port,
    method,
    path: signed.target,
    headers: { ...signed.headers, ...framingOf(signed), host } as Record<string, string>,
  };
}

/** Node.js would send a body of GET or DELETE as it comes, and the origin read the next requests in it. */
function framingOf({ body, headers }: SignedRequest): Record<string, string> {
  const isFramed = body !== null || headers["content-length"] !== undefined;
  return isFramed ? {} : { "transfer-encoding": "chunked" };
}

async function serveUpgrade(proxy: Proxy, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    requireOwn(request);
    const signed = await signedRequest(proxy.gateway, request, true);
    const passed = send(optionsOf(proxy.to, request, signed));
    passed.on("upgrade", (answer, upstream, first) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(answer)}\r\n`);
      for (const [from, to, bytes] of [
        [upstream, socket, first],
        [socket, upstream, head],
      ] as const) {
        to.write(bytes);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
      }
      proxy.log(`${request.method} ${request.url} 101 ${signed.routeId}`);
    });
    socket.on("close", () => passed.destroy());
    passed.on("response", (answer) => refuseUpgrade(socket, answer.statusCode ?? 502));
    passed.on("error", () => refuseUpgrade(socket, 502));
    passed.end();
  } catch (error) {
    const [status] = refusalOf(error);
    proxy.log(`${request.method} ${request.url} ${status} ${error instanceof Error ? error.message : ""}`);
    refuseUpgrade(socket, status);
  }
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function rawHeaders({ rawHeaders: raw }: IncomingMessage): string {
  return raw.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
}

function refusalOf(error: unknown): readonly [status: number, code: string] {
  return error instanceof GatewayError ? [error.status, error.code] : [502, "bad_gateway"];
}

/** Hop-by-hop headers (RFC 9110 §7.6.1) concern the connection to the origin. Node.js writes those for the client's. */
function withoutHop(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const hop = ["connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "proxy-authenticate"];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hop.includes(name)));
}
