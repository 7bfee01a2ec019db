import { createHash } from "node:crypto";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import { openS3Store } from "../../../src/s3/store.ts";
import { DEFAULT_LIMITS, type S3Options } from "../../../src/s3/wire/options.ts";
import { MemoryStore } from "../../../test/support/memory-store.ts";
import type { Fault } from "../../../test/support/strict-s3/faults.ts";
import { ROOT, type StrictS3 } from "../../../test/support/strict-s3/server.ts";
import type { World } from "../../../test/support/world.ts";
import { clockAt, type Machine } from "../../../test/support/world.ts";
import { endingOf } from "./ending.ts";
import type { Aftermath } from "./judge.ts";
import type { Operation } from "./operations.ts";
import type { Trial } from "./trial.ts";

export const BUCKET = "strict";
export const PREFIX = "api/prod/";
export const EVER = 10_000;
const OPTIONS: S3Options = {
  clock: { nowMs: () => Date.now() },
  random: { bytes: (length) => new Uint8Array(length) },
  sleep: async () => {},
};
/** `hasty` gives up soon, which makes a hang cheap. A busy machine may exceed it elsewhere, which adds one fault. */
const LIMITS = {
  hasty: { attempts: 3, answerTimeoutMs: 150, readTimeoutMs: 150, deadlineMs: 5_000 },
  patient: DEFAULT_LIMITS,
} as const;

interface Variant {
  readonly class: string;
  readonly name: string;
  /** The fault of this request, then of every later one. */
  readonly faults: readonly [Fault, Fault?];
}

const answer = (status: number, code: string): Fault => ({ kind: "answer", apply: false, status, code });
const applied = (status: number, code: string): Fault => ({ kind: "answer", apply: true, status, code });
const dropped: Fault = { kind: "drop", apply: false };
const hung: Fault = { kind: "hang", apply: false };

const REFUSALS: readonly (readonly [string, Fault])[] = [
  ["403", answer(403, "AccessDenied")],
  ["409", answer(409, "ConditionalRequestConflict")],
  ["412", answer(412, "PreconditionFailed")],
  ["500", answer(500, "InternalError")],
  ["503", answer(503, "SlowDown")],
  ["unreachable", dropped],
];

const ALWAYS: readonly Variant[] = [
  ...REFUSALS.flatMap(([name, fault]): Variant[] => [
    { class: name, name: "once", faults: [fault] },
    { class: name, name: "from there on", faults: [fault, fault] },
  ]),
  { class: "slow or hanging", name: "hangs once", faults: [hung] },
  { class: "slow or hanging", name: "hangs from there on", faults: [hung, hung] },
];

const OF_WRITES: readonly Variant[] = [
  { class: "answer lost", name: "dropped", faults: [{ kind: "drop", apply: true }] },
  { class: "answer lost", name: "dropped, and everything after it", faults: [{ kind: "drop", apply: true }, dropped] },
  { class: "answer lost", name: "500", faults: [applied(500, "InternalError")] },
  { class: "answer lost", name: "502 of a proxy", faults: [applied(502, "")] },
  { class: "answer lost", name: "503 of a proxy", faults: [applied(503, "")] },
  { class: "answer lost", name: "503 SlowDown", faults: [applied(503, "SlowDown")] },
  { class: "answer lost", name: "hangs", faults: [{ kind: "hang", apply: true }] },
  {
    class: "answer lost",
    name: "hangs, then 403",
    faults: [{ kind: "hang", apply: true }, answer(403, "AccessDenied")],
  },
];

const OF_BODIES: readonly Variant[] = [
  { class: "body cut or altered", name: "cut at 7 bytes", faults: [{ kind: "truncate", bytes: 7 }] },
  { class: "body cut or altered", name: "cut at 0 bytes", faults: [{ kind: "truncate", bytes: 0 }] },
  {
    class: "body cut or altered",
    name: "cut at 7 bytes from there on",
    faults: [
      { kind: "truncate", bytes: 7 },
      { kind: "truncate", bytes: 7 },
    ],
  },
  { class: "slow or hanging", name: "drips", faults: [{ kind: "drip", bytes: 200, ms: 5 }] },
  { class: "slow or hanging", name: "late", faults: [{ kind: "delay", ms: 60 }] },
];

/** Every fault at every HTTP request of an undisturbed operation. */
export async function s3Trials(operation: Operation, server: StrictS3): Promise<Trial[]> {
  const requests = await undisturbed(operation, server);
  return requests.flatMap(({ method, key }, at) => {
    const ofMethod = method === "GET" ? OF_BODIES : method === "HEAD" ? [] : OF_WRITES;
    return [...ALWAYS, ...ofMethod].map((variant): Trial => {
      const detail = `request ${at + 1}, ${method} ${key}, ${variant.name}`;
      const run = () => runOn(server, operation, at, variant);
      return { level: "S3", operation, fault: variant.class, detail, run };
    });
  });
}

async function undisturbed(operation: Operation, server: StrictS3): Promise<{ method: string; key: string }[]> {
  fill(server, operation.world);
  await operation.act(machineOn(server, operation.world, "patient"));
  return server.log.map(({ method, key }) => ({ method, key }));
}

async function runOn(server: StrictS3, operation: Operation, at: number, { faults }: Variant): Promise<Aftermath> {
  fill(server, operation.world);
  const [first, later] = faults;
  server.faults.add({}, first, 1, at);
  // Faults apply in turn: the first takes its request, then the second lets as many pass.
  if (later !== undefined) server.faults.add({}, later, EVER);
  const pending = server.faults.pending;
  const machine = machineOn(server, operation.world, "hasty");
  const ending = await endingOf(() => operation.act(machine));
  const met = server.faults.pending < pending;
  server.faults.clear();
  const look = async () => copyOf(server, operation.world);
  return { met, ending, look, next: machineOn(server, operation.world, "patient") };
}

type Stores = { readonly [K in keyof typeof LIMITS]: ObjectStore };
const known = new WeakMap<StrictS3, Stores>();

/** One client per server: a trial would spend most of its time on making one. */
export function machineOn(server: StrictS3, world: World, limits: keyof typeof LIMITS): Machine {
  const stores = known.get(server) ?? { hasty: storeOn(server, "hasty"), patient: storeOn(server, "patient") };
  known.set(server, stores);
  return world.with({ store: stores[limits], clock: clockAt(world.clock.ms) });
}

function storeOn({ endpoint, region }: StrictS3, limits: keyof typeof LIMITS): ObjectStore {
  const { accessKeyId, secretAccessKey } = ROOT;
  const credentials = { accessKeyId, secretAccessKey: { exposeText: () => secretAccessKey } };
  const location = { endpoint, region, bucket: BUCKET, prefix: PREFIX, credentials };
  return openS3Store(location, { ...OPTIONS, limits: LIMITS[limits] });
}

export function fill(server: StrictS3, world: World): void {
  const bucket = server.buckets.get(BUCKET);
  bucket?.clear();
  server.faults.clear();
  for (const [key, { bytes }] of world.store.bucket) {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    bucket?.set(PREFIX + key, { bytes, etag, modifiedMs: Date.now() });
  }
  server.log.length = 0;
}

export function copyOf(server: StrictS3, world: World): World {
  const objects = [...(server.buckets.get(BUCKET) ?? [])].map(([key, { bytes }]) => {
    // A copy and not a Buffer, whose slice would be a view: vsync decrypts a bundle in place.
    return [key.slice(PREFIX.length), { bytes: new Uint8Array(bytes), version: sha256Hex(bytes) }] as const;
  });
  return world.with({ store: new MemoryStore({ bucket: new Map(objects) }), clock: clockAt(world.clock.ms) });
}
