import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { gzipSync } from "node:zlib";
import type { Bucket, PreconditionQuirks, StrictObject } from "./buckets.ts";
import { deliver } from "./delivery.ts";
import { type Fault, Faults } from "./faults.ts";
import { type Answer, type Operation, perform } from "./operations.ts";
import { S3Error } from "./s3-error.ts";
import { authenticate, checkDigest, checkPayload } from "./sigv4.ts";
import { type BucketTerms, checkTerms } from "./terms.ts";
import type { User } from "./users.ts";
import { errorDocument } from "./xml.ts";

export interface StrictS3Options extends PreconditionQuirks {
  /** Default: one, called `strict`. */
  readonly buckets?: readonly string[];
  /** Default: {@link ROOT}, with every permission. */
  readonly users?: readonly User[];
  readonly region?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** The server's own clock, in milliseconds since the epoch. */
  readonly nowMs?: () => number;
  /** Changes the ETag in the answer to a method, as a proxy in front of the server might. */
  readonly proxiedEtag?: (etag: string, method: string) => string;
  /** Refuses a PUT without Content-MD5 or a checksum, as a bucket with Object Lock and a default retention does. */
  readonly wantsDigest?: boolean;
  /** Compresses answers to GET, as a proxy in front of the server might. */
  readonly compresses?: boolean;
  readonly terms?: BucketTerms;
  /** Delays every answer by this much. */
  readonly latencyMs?: number;
  /** Called for each request without another fault; true answers it with 503 SlowDown. */
  readonly isTooMuch?: () => boolean;
}

export interface LoggedRequest {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** The status, or null if the client got no answer. */
  readonly status: number | null;
}

export interface StrictS3 {
  readonly endpoint: string;
  readonly region: string;
  /** By name; tests may read and change them. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly faults: Faults;
  /** In the order of the decisions. Empty it with `log.length = 0`. */
  readonly log: LoggedRequest[];
  close(): Promise<void>;
}

const SLOW_DOWN: Fault = { kind: "answer", apply: false, status: 503, code: "SlowDown" };

export const ROOT: User = { accessKeyId: "ROOTKEY", secretAccessKey: "root/secret+key" };

interface Context {
  readonly options: StrictS3Options;
  readonly region: string;
  readonly users: readonly User[];
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly faults: Faults;
  readonly log: LoggedRequest[];
  readonly nowMs: () => number;
  /** The requests that wait for the others of a race. */
  readonly racers: (() => void)[];
}

/** A small S3 server on loopback that checks everything: signatures, payload hashes, clocks, preconditions. */
export async function startStrictS3(options: StrictS3Options = {}): Promise<StrictS3> {
  const context: Context = {
    options,
    region: options.region ?? "us-east-1",
    users: options.users ?? [ROOT],
    buckets: new Map((options.buckets ?? ["strict"]).map((name) => [name, new Map()])),
    faults: new Faults(),
    log: [],
    nowMs: options.nowMs ?? Date.now,
    racers: [],
  };
  const server = createServer((request, response) => {
    serve(request, response, context).catch(() => request.socket.destroy());
  });
  const port = await listen(server, options.port ?? 0);
  const { region, buckets, faults, log } = context;
  return { endpoint: `http://127.0.0.1:${port}`, region, buckets, faults, log, close: () => close(server) };
}

async function serve(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const operation = await readOperation(request);
  const fault =
    context.faults.take(operation.method, operation.key) ?? (context.options.isTooMuch?.() ? SLOW_DOWN : undefined);
  if (fault?.kind === "meanwhile") fault.action();
  const early = looksEarly(operation, context);
  if (early !== undefined) await allRacers(context);
  await new Promise((resolve) => setTimeout(resolve, waitMs(context, fault)));
  const isApplied = fault === undefined || !("apply" in fault) || fault.apply;
  const plain = isApplied ? answerTo(request, operation, context, early) : undefined;
  const answer = plain && context.options.compresses && operation.method === "GET" ? compressed(plain) : plain;
  const status = deliver({ request, response, answer, fault, date: new Date(context.nowMs()) });
  const { bucketName: bucket, key, method, query, headers } = operation;
  context.log.push({ method, bucket, key, query: query.toString(), headers, status });
}

function compressed({ headers, body, ...rest }: Answer): Answer {
  return { ...rest, headers: { ...headers, "Content-Encoding": "gzip" }, body: gzipSync(body) };
}

/** The state that a server saw, and does not check again before it writes. */
interface EarlyLook {
  readonly seen: StrictObject | undefined;
}

/** The test of a bucket has eight writers, whose bytes begin with this. */
const [RACERS, OF_RACER] = [8, "writer "];

function looksEarly(
  { headers, bucketName, key, body }: Operation,
  { options, buckets }: Context,
): EarlyLook | undefined {
  if (options.isBlindTo === undefined || !(options.isBlindTo in headers)) return undefined;
  if (!Buffer.from(body).toString().startsWith(OF_RACER)) return undefined;
  return { seen: buckets.get(bucketName)?.get(key) };
}

function allRacers({ racers }: Context): Promise<void> {
  return new Promise((resolve) => {
    racers.push(resolve);
    if (racers.length === RACERS) for (const goOn of racers) goOn();
  });
}

function waitMs({ options }: Context, fault: Fault | undefined): number {
  return (options.latencyMs ?? 0) + (fault?.kind === "delay" ? fault.ms : 0);
}

function answerTo(
  request: IncomingMessage,
  operation: Operation,
  context: Context,
  early: EarlyLook | undefined,
): Answer {
  const { users, region, buckets, options } = context;
  const nowMs = context.nowMs();
  try {
    const signed = { method: operation.method, target: request.url ?? "/", headers: request.headers };
    const user = authenticate(signed, { users, region, nowMs });
    checkPayload(request.headers, operation.body);
    if (options.wantsDigest) checkDigest(operation);
    checkTerms(operation, options.terms ?? {});
    const answer = perform(operation, user, { ...options, buckets, nowMs, ...(early && { seen: early.seen }) });
    return throughProxy(answer, operation.method, options);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const headers = { "Content-Type": "application/xml", ...error.headers };
    return { status: error.status, headers, body: Buffer.from(errorDocument(error)) };
  }
}

function throughProxy(answer: Answer, method: string, { proxiedEtag }: StrictS3Options): Answer {
  const etag = answer.headers["ETag"];
  if (etag === undefined || proxiedEtag === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, ETag: proxiedEtag(etag, method) } };
}

async function readOperation(request: IncomingMessage): Promise<Operation> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [path = "", query = ""] = (request.url ?? "/").split("?", 2);
  const [bucketName = "", ...key] = path.slice(1).split("/").map(decodeURIComponent);
  return {
    method: request.method ?? "",
    bucketName,
    key: key.join("/"),
    query: new URLSearchParams(query),
    headers: request.headers,
    body: Buffer.concat(chunks),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
