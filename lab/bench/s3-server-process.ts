import { createInterface } from "node:readline";
import { type Bucket, putObject } from "../../test/support/strict-s3/buckets.ts";
import { ROOT, startStrictS3 } from "../../test/support/strict-s3/server.ts";
import { buildLongLog } from "./long-log.ts";

/** The strict S3 server in a separate process, controlled and queried by lines of JSON. */
export type Order =
  /** Delays every answer by this much from now on. */
  | { readonly do: "latency"; readonly ms: number }
  /** Answers requests above this rate per second with 503 SlowDown from now on; null: without a limit. */
  | { readonly do: "limit"; readonly perSecond: number | null }
  /** Answers with the requests since the last call. */
  | { readonly do: "count" }
  /** Puts a vault with this many generations below `prefix`. */
  | { readonly do: "build-log"; readonly rows: number; readonly prefix: string };

export interface Counted {
  readonly requests: Readonly<Record<string, number>>;
  readonly turnedAway: number;
  /** Milliseconds of each request after the first one. */
  readonly arrivalsMs: readonly number[];
}

let latencyMs = 0;
let perSecond: number | null = null;
let tokens = 0;
let refilledMs = 0;
let turnedAway = 0;
const arrivalsMs: number[] = [];

const BUCKET = "strict";
const server = await startStrictS3({
  get latencyMs() {
    return latencyMs;
  },
  isTooMuch: () => {
    const nowMs = performance.now();
    arrivalsMs.push(nowMs);
    if (perSecond === null) return false;
    tokens = Math.min(perSecond, tokens + ((nowMs - refilledMs) * perSecond) / 1000);
    refilledMs = nowMs;
    const isTooMuch = tokens < 1;
    if (isTooMuch) turnedAway += 1;
    else tokens -= 1;
    return isTooMuch;
  },
});

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function obey(order: Order): Promise<object> {
  switch (order.do) {
    case "latency":
      latencyMs = order.ms;
      return {};
    case "limit":
      perSecond = order.perSecond;
      tokens = perSecond ?? 0;
      refilledMs = performance.now();
      return {};
    case "count":
      return count();
    case "build-log": {
      const { objects, fields } = await buildLongLog(order.rows);
      for (const [key, bytes] of objects) {
        putObject(bucketOf(), `${order.prefix}${key}`, bytes, {}, { nowMs: Date.now() });
      }
      return fields;
    }
    default:
      return order satisfies never;
  }
}

function bucketOf(): Bucket {
  const bucket = server.buckets.get(BUCKET);
  if (bucket === undefined) throw new Error(`bucket ${BUCKET} is missing`);
  return bucket;
}

function count(): Counted {
  const requests: Record<string, number> = {};
  for (const { method } of server.log) requests[method] = (requests[method] ?? 0) + 1;
  const firstMs = arrivalsMs[0] ?? 0;
  const counted = { requests, turnedAway, arrivalsMs: arrivalsMs.map((ms) => ms - firstMs) };
  server.log.length = 0;
  arrivalsMs.length = 0;
  turnedAway = 0;
  return counted;
}

const { endpoint, region } = server;
answer({ endpoint, region, bucket: BUCKET, ...ROOT });
for await (const line of createInterface({ input: process.stdin })) answer(await obey(JSON.parse(line) as Order));
await server.close();
