import { x25519 } from "@noble/curves/ed25519.js";
import { withUsage } from "../../../src/backend/usage/report-usage.ts";
import { rememberVerified } from "../../../src/backend/verified.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { credentialOf } from "../../../src/tokens/credential.ts";
import {
  type BatchWriter,
  batchWriterOf,
  MAX_BATCH_EVENTS,
  type SealedBatch,
  sealBatch,
} from "../../../src/usage/batch.ts";
import { Ledger, type LedgerRules } from "../../../src/usage/ledger.ts";
import { readBatch } from "../../../src/usage/read-batch.ts";
import { ulid } from "../../../src/usage/ulid.ts";
import { seededRandom } from "../../../test/support/world.ts";
import { USAGE, USAGE_REPORTED } from "../labels.ts";
import type { Timed } from "../library-process.ts";
import type { Row } from "../results.ts";
import { rounded, seriesOf } from "../series.ts";
import type { World } from "../world.ts";

const AT_MS = Date.parse("2026-11-29T09:00:00.000Z");
const VAULT = "AAAAAAAAAAAAAAAAAAAAAA";

/** What an operator waits for, and what a response costs. */
export async function measureUsage({ scale }: World): Promise<readonly Row[]> {
  const random = seededRandom("usage");
  const writer = await batchWriterOf(VAULT, credentialOf("live", Secret.ofBytes(random.bytes(32))));
  const usageKey = random.bytes(32);
  const row = (name: string, { wallMs, cpuMs }: Timed): Row => {
    return { group: USAGE, name, program: "library", wallMs: seriesOf([wallMs]), cpuMs: rounded(cpuMs) };
  };
  return [
    row(`withUsage \u00d7 ${USAGE_REPORTED}`, await report(writer)),
    row(`sum of ${scale.events} events`, await sum(writer, usageKey, scale.events)),
  ];
}

async function timed(work: () => unknown): Promise<Timed> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(startCpu);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

function report({ vault, id, sign }: BatchWriter): Promise<Timed> {
  const request = {};
  const reporting = { vault, id, sign, clock: { nowMs: () => AT_MS }, recordDeferred: async () => undefined };
  rememberVerified(request, { requestId: "3q2-7wAAAAAAAAAAAAAAAA", routeId: "chat", reporting });
  return timed(() => {
    for (let amount = 0; amount < USAGE_REPORTED; amount++) withUsage(request, new Response(), { tokens_used: amount });
  });
}

async function sum(writer: BatchWriter, usageKey: Uint8Array, events: number): Promise<Timed> {
  const batches = batchesOf(writer, x25519.getPublicKey(usageKey), events);
  const facts = { metering: true, isGateway: false, endedMs: null };
  const rules: LedgerRules = {
    vault: VAULT,
    usageKeys: [usageKey],
    tokenFacts: () => facts,
    routeLimits: () => undefined,
    isVoid: () => false,
    isWanted: () => true,
    isClosed: () => false,
    frozenIn: () => undefined,
  };
  const ledger = new Ledger(rules);
  const done = await timed(async () => {
    for (const { key, bytes } of batches) ledger.count(await readBatch(rules, key, { bytes }));
    ledger.finish(true);
  });
  if (ledger.events !== events) throw new TypeError(`${ledger.events} of ${events} events were counted`);
  return done;
}

function batchesOf(writer: BatchWriter, publicKey: Uint8Array, events: number): readonly SealedBatch[] {
  const random = seededRandom("batches");
  const batches: SealedBatch[] = [];
  for (let from = 0; from < events; from += MAX_BATCH_EVENTS) {
    const lines = Array.from({ length: Math.min(MAX_BATCH_EVENTS, events - from) }, (_, at) => ({
      id: `job-${from + at}`,
      lane: "meter" as const,
      usage: { tokens_used: at },
      route_id: "chat",
      at: AT_MS + at,
    }));
    const place = { instance: "0011223344556677", seq: batches.length + 1, prev: batches.at(-1)?.digest ?? null };
    batches.push(sealBatch(writer, publicKey, { day: "2026-11-29", ulid: ulid(AT_MS, random) }, place, lines));
  }
  return batches;
}
