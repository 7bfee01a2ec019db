import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";

/** One HTTP request. Header names are in lower case. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
}

/** This machine's network settings. */
export interface Network {
  /** `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case. */
  readonly proxies: Readonly<Record<string, string>>;
  /** Certificates in PEM, which replace the built-in authorities. */
  readonly authorities?: readonly string[];
}

/** Sends one request and resolves with the response's head. Neither follows redirects nor retries. */
export type Exchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** The failure came before the connection was established, so nothing was sent. */
export class UnsentError extends Error {
  constructor(cause: unknown) {
    super("nothing was sent", { cause });
  }
}

/** Name resolution, TCP, a proxy or TLS took too long. */
export class ConnectTimeoutError extends Error {
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no connection within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** Sends requests over the network, with the proxy and authorities that this machine's environment names. */
export function networkExchange(limitMs: number, network?: Network): Exchange {
  const plain = plainStart(network);
  let secure: Promise<Start> | undefined;
  return async (request, signal) => {
    const start = request.url.protocol === "https:" ? await (secure ??= secureStart(network)) : plain;
    return exchanged(request, signal, limitMs, start);
  };
}

type Start = (url: URL, init: Init) => ReturnType<typeof requestHttp>;

function plainStart(network?: Network): Start {
  const agent = new HttpAgent(agentOptions(network));
  return (url, init) => requestHttp(url, { ...init, agent });
}

async function secureStart(network?: Network): Promise<Start> {
  const { request } = await import("node:https");
  const { https: agent } = await agentsFor(network);
  return (url, init) => request(url, { ...init, agent });
}

/** Loads `node:https` only when needed, because that takes as long as starting Node.js. */
export async function agentsFor(network?: Network): Promise<{ http: HttpAgent; https: HttpsAgent }> {
  const { Agent } = await import("node:https");
  const options = agentOptions(network);
  const { authorities } = network ?? {};
  return {
    http: new HttpAgent(options),
    https: new Agent({ ...options, ...(authorities && { ca: [...authorities] }) }),
  };
}

function agentOptions(network?: Network): { keepAlive: true; proxyEnv: Record<string, string> } {
  return { keepAlive: true, proxyEnv: network?.proxies ?? {} };
}

type Init = Readonly<{ method: string; headers: Record<string, string>; timeout: number }>;

function exchanged(request: HttpRequest, signal: AbortSignal, limitMs: number, start: Start): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  // `timeout` covers a proxy that does not answer CONNECT. The timer covers everything else until the connection is
  // established.
  const init = { method: request.method, headers: { ...request.headers }, timeout: limitMs };
  const outgoing = start(request.url, init);
  // The `signal` of `node:http` would watch two streams for their ends, which takes as long as signing.
  const abort = (): void => void outgoing.destroy();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  let isConnected = false;
  const timer = setTimeout(() => {
    outgoing.destroy();
    reject(new UnsentError(new ConnectTimeoutError(limitMs)));
  }, limitMs);
  outgoing.once("socket", (socket) => {
    const connected = (): void => {
      isConnected = true;
      clearTimeout(timer);
    };
    const isSecure = request.url.protocol === "https:";
    const isReady = isSecure ? "secureConnecting" in socket && socket.secureConnecting === false : !socket.connecting;
    if (isReady) connected();
    else socket.once(isSecure ? "secureConnect" : "connect", connected);
  });
  // Stays registered, because a response that breaks off emits another error.
  outgoing.on("error", (error) => {
    clearTimeout(timer);
    reject(isConnected ? error : new UnsentError(error));
  });
  outgoing.once("response", (incoming: IncomingMessage) => {
    incoming.on("error", () => undefined);
    resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming.headers), body: incoming });
  });
  if (request.body === undefined) outgoing.end();
  else Readable.from(inPieces(request.body)).pipe(outgoing);
  return promise;
}

const PIECE_BYTES = 1024 * 1024;

/** Bun copies what the connection does not take at once, and a bundle may be 64 MiB. */
function* inPieces(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}

function flat(headers: IncomingMessage["headers"]): Record<string, string | undefined> {
  const joined = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(", ") : value);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, joined(value)]));
}
