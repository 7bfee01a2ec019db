import { type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import type { Clock, Random } from "../ports.ts";

export interface S3Options {
  readonly clock: Clock;
  /** Spreads the waits between tries. */
  readonly random: Random;
  readonly limits?: Partial<S3Limits>;
  readonly sleep?: Sleep;
}

/** What one call of the store may take. A write whose answer was lost may take as long again, to learn what became of it. */
export interface S3Limits {
  /** How often a request is tried in all, where servers or the network fail. */
  readonly attempts: number;
  /** The same where the server only asks for time (503 SlowDown): enough to make use of the whole deadline. */
  readonly throttledAttempts: number;
  /** Until there is a connection: name resolution, TCP and TLS. */
  readonly connectTimeoutMs: number;
  /** Of a read, without an answer or another byte of it. Three of them fit into the 30 s that `Vsync.open` has. */
  readonly readTimeoutMs: number;
  /** Of a write, without an answer. What it sends adds the time that it takes at 64 KiB/s. */
  readonly answerTimeoutMs: number;
  /** For all tries and the waits between them. A body adds to this, too. */
  readonly deadlineMs: number;
}

/** Rejects when the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const DEFAULT_LIMITS: S3Limits = {
  attempts: 5,
  throttledAttempts: 30,
  connectTimeoutMs: 5_000,
  readTimeoutMs: 8_000,
  answerTimeoutMs: 15_000,
  deadlineMs: 60_000,
};

/** Slower than this, a transfer is given up. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;

export function transferMs(bytes: number): number {
  return (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
}

/** Text that does not print itself; `Secret` is one. */
export interface HiddenText {
  exposeText(): string;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: HiddenText;
  readonly sessionToken?: HiddenText;
}

export interface S3Location {
  /** `https://…` or `http://…`, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in `/`, or is empty. */
  readonly prefix: string;
  /** `ambient`: the platform's own credential chain. */
  readonly credentials: S3Credentials | "ambient";
}

export function labelOf({ bucket, prefix }: S3Location): string {
  return `s3://${bucket}/${prefix}`;
}

export function hostOf({ endpoint }: S3Location): string {
  return new URL(endpoint).host;
}

/** AWS wants the bucket in the host name; everyone else understands it in the path, and not all of them elsewhere. */
export function wantsPathStyle({ endpoint }: S3Location): boolean {
  return !/(^|\.)(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(new URL(endpoint).hostname);
}

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
