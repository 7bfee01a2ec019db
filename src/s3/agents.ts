import { type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";

const failedConnecting = new WeakSet<object>();

/** Whether the failure came before there was a connection, so that nothing can have been sent. */
export function isConnectFailure(error: unknown): boolean {
  return typeof error === "object" && error !== null && failedConnecting.has(error);
}

/** There was no connection in time: no name resolved, no TCP, or no TLS. */
export class ConnectTimeoutError extends Error {
  readonly code = "CONNECT_TIMEOUT";
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no connection within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

type Connect = (options: ClientRequestArgs, done?: Done) => Duplex | null | undefined;
type Done = (error: Error | null, stream: Duplex) => void;

/** Agents that give up connecting after a while, and remember which failures came before the connection stood. */
export function connectingAgents(limitMs: number): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });
  httpAgent.createConnection = watched(httpAgent.createConnection.bind(httpAgent), "connect", limitMs);
  httpsAgent.createConnection = watched(httpsAgent.createConnection.bind(httpsAgent), "secureConnect", limitMs);
  return { httpAgent, httpsAgent };
}

function watched(connect: Connect, ready: "connect" | "secureConnect", limitMs: number): Connect {
  return (options, done) => {
    const socket = connect(options, done);
    if (socket) watch(socket, ready, limitMs);
    return socket;
  };
}

function watch(socket: Duplex, ready: string, limitMs: number): void {
  const timer = setTimeout(() => socket.destroy(new ConnectTimeoutError(limitMs)), limitMs);
  const onError = (error: Error): void => void failedConnecting.add(error);
  socket.once("error", onError);
  socket.once("close", () => clearTimeout(timer));
  socket.once(ready, () => {
    clearTimeout(timer);
    socket.removeListener("error", onError);
  });
}
