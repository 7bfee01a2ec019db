import type { Refuse } from "../canonical-json.ts";
import { HOUR_MS } from "../durations.ts";
import { type BatchHeader, type BatchName, openBatch, type ReadEvent, verifyBatch } from "./batch.ts";

/** What the vault says about a token that writes batches or whose usage a gateway reports. */
export interface TokenFacts {
  readonly backend?: string | undefined;
  readonly metering: boolean;
  /** Whether it may sign as the gateway, and so may report what responses used. */
  readonly isGateway: boolean;
  /** The only meters that it may report; undefined means any. */
  readonly meters?: readonly string[] | undefined;
  readonly endedMs: number | null;
}

/** What a batch is opened with. */
export interface ReadingRules {
  /** The vault's id. */
  readonly vault: string;
  /** The private halves of the vault's usage keys. */
  readonly usageKeys: readonly Uint8Array[];
  /** Null for a token that the vault never had. */
  readonly tokenFacts: (id: string) => TokenFacts | null;
}

/** A batch whose token is confirmed, with its events. */
export interface OpenedBatch {
  readonly name: BatchName;
  readonly header: Pick<BatchHeader, "instance" | "seq" | "prev">;
  readonly digest: string;
  /** When the store received it, in milliseconds since the epoch, if the store says. */
  readonly storedMs?: number | undefined;
  readonly events: readonly ReadEvent[];
}

const GRACE_MS = HOUR_MS;

/** A batch that is refused as a whole. */
export class BatchFault extends Error {}
const refuse: Refuse = (fault) => new BatchFault(fault);

/** Verifies and decrypts a batch. @throws BatchFault it is refused as a whole */
export async function readBatch(
  rules: ReadingRules,
  key: string,
  { bytes, storedMs }: { readonly bytes: Uint8Array; readonly storedMs?: number | undefined },
): Promise<OpenedBatch> {
  const batch = verifyBatch(rules.vault, key, bytes, refuse);
  requireWriter(rules.tokenFacts(batch.name.token), storedMs);
  const { name, header, digest } = batch;
  return { name, header, digest, storedMs, events: await openWithAny(rules, batch) };
}

function requireWriter(facts: TokenFacts | null, storedMs: number | undefined): void {
  if (facts === null) throw refuse("is by a token that this vault never had");
  if (!facts.metering) throw refuse("is by a token without the capability metering");
  if (facts.endedMs !== null && storedMs !== undefined && storedMs > facts.endedMs + GRACE_MS) {
    throw refuse("was written over an hour after its token ended");
  }
}

async function openWithAny(
  { vault, usageKeys }: ReadingRules,
  batch: Parameters<typeof openBatch>[1],
): Promise<readonly ReadEvent[]> {
  let fault: unknown = refuse("has no usage key that opens it");
  // Newest first. After a leak the last key is new, and older batches still need the older keys.
  for (const key of usageKeys.toReversed()) {
    try {
      return await openBatch(vault, batch, key, refuse);
    } catch (error) {
      fault = error;
    }
  }
  throw fault;
}
