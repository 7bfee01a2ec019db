import type { JsonObject } from "../../canonical-json.ts";
import { DAY_MS } from "../../durations.ts";
import { BundleCorruptError, InputError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { type BatchName, MAX_BATCH_BYTES, parseBatchKey } from "../../usage/batch.ts";
import { type Doubt, Ledger, type Refusal } from "../../usage/ledger.ts";
import {
  DAYS_PREFIX,
  MAX_OPERATOR_OBJECT_BYTES,
  MONTHS_PREFIX,
  openOperatorObject,
  type UsageKeyPair,
  VOIDS_PREFIX,
  type Written,
} from "../../usage/operator-object.ts";
import { USAGE_PREFIX } from "../../usage/prefix.ts";
import { BatchFault, type OpenedBatch, readBatch } from "../../usage/read-batch.ts";
import type { Totals } from "../../usage/totals.ts";
import { openWithRoll } from "../commit/open-for-commit.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Roll } from "../format/tokens/roll.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";
import { type MonthContent, parseDay, parseMonth, parseVoid } from "./content.ts";
import { vaultRules } from "./rules.ts";

/** Days, `YYYY-MM-DD`, both included. */
export interface UsageRequest extends OpenRequest {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Reads every batch, even those whose names are more than a week outside the range. */
  readonly isThorough?: boolean;
  /** Called with each batch that counts, and the day that it counts for. */
  readonly onBatch?: (batch: OpenedBatch, day: string) => void;
}

/** A month whose totals are frozen. */
export interface ClosedMonth {
  /** `YYYY-MM` */
  readonly month: string;
  readonly written: Written;
}

export interface ReadUsage {
  readonly manifest: Manifest;
  readonly roll: Roll;
  readonly totals: Totals;
  /** What arrived for a month after it was closed. */
  readonly late: Totals;
  readonly closed: readonly ClosedMonth[];
  readonly events: number;
  readonly batches: number;
  readonly duplicates: number;
  readonly voided: number;
  /** Whether an event was voided. Without `token`: whether it was voided for every token. */
  readonly isVoid: (token: string | undefined, id: string) => boolean;
  readonly refused: readonly Refusal[];
  readonly doubts: readonly Doubt[];
  /** Batches that are still there although an object of their day has them: compacting was cut short. */
  readonly left: readonly string[];
}

/** `since` still finds a batch that arrives up to this many days after its day. */
const ARRIVES_WITHIN_DAYS = 7;
const AT_ONCE = 16;

/**
 * Adds up what the vault's tokens used. It verifies every batch, and reports those that are wrong instead of counting
 * them.
 *
 * @throws InputError the holder only reads, because only operators can open the roll; or `since` is after `until`
 * @throws what opening and the store throw
 */
export async function readUsage(ports: ReadPorts, request: UsageRequest): Promise<ReadUsage> {
  requireOrder(request);
  using opened = await openWithRoll(ports, request);
  const { roll, vault } = opened;
  const { manifest } = vault;
  const sealed = { vault: manifest.vault, keys: roll.usage_keys ?? [] };
  const keys = await Array.fromAsync(ports.store.list(USAGE_PREFIX));
  const isWanted = wantedDays(request);
  const voids = await readVoids(ports.store, sealed, keys);
  const allMonths = await readMonths(ports.store, sealed, keys, request.isThorough === true ? () => true : isWanted);
  const months = allMonths.filter(({ content }) => isMonthWanted(content.month, isWanted));
  const rules = await vaultRules(ports, request, { manifest, roll }, keys);
  const closed = new Set(allMonths.map(({ content }) => content.month));
  const frozen = new Map(allMonths.flatMap(({ content: { month, batches } }) => batches.map((key) => [key, month])));
  const frozenIn = (key: string) => frozen.get(key);
  const isVoid = (token: string | undefined, id: string) => voids.has(id) || voids.has(`${token} ${id}`);
  const ledger = new Ledger({ ...rules, isWanted, isVoid, isClosed: (month) => closed.has(month), frozenIn });
  const compacted = new Set<string>();
  for await (const batch of batchesOf(ports.store, sealed, keys, request, { rules, ledger, frozenIn, compacted })) {
    const day = ledger.count(batch);
    request.onBatch?.(batch, day);
  }
  ledger.addFrozen(months.flatMap(({ content }) => content.cells));
  const finished = ledger.finish(request.since === undefined && roll.settings?.["usage_retention_days"] === undefined);
  const { totals, late, events, batches, duplicates, voided } = ledger;
  return {
    ...finished,
    manifest,
    roll,
    totals,
    late,
    events,
    batches,
    duplicates,
    voided,
    isVoid,
    closed: months.map(({ content: { month }, written }) => ({ month, written })),
    left: keys.filter((key) => compacted.has(key)),
  };
}

function requireOrder({ since = "", until = "9" }: UsageRequest): void {
  if (since <= until) return;
  throw new InputError(`the first day, ${since}, is after the last, ${until}`, { hint: "swap --since and --until" });
}

function wantedDays({ since = "", until = "9" }: UsageRequest): (day: string) => boolean {
  return (day) => day >= since && day <= until;
}

/** Only an operator can write this object, so a fault in it means corruption. */
const refuseObject = (key: string) => (fault: string) =>
  new BundleCorruptError(`${key} ${fault}`, {
    hint: "restore the object from the bucket's object versions or a backup, or remove it",
  });

async function readOperatorObjects(
  store: ObjectStore,
  sealed: { readonly vault: string; readonly keys: readonly UsageKeyPair[] },
  keys: readonly string[],
): Promise<readonly { readonly key: string; readonly written: Written; readonly content: JsonObject }[]> {
  const read = keys.map(async (key) => {
    const stored = await store.get(key, { maxBytes: MAX_OPERATOR_OBJECT_BYTES });
    return stored === null
      ? []
      : [{ key, ...(await openOperatorObject(sealed, key, stored.bytes, refuseObject(key))) }];
  });
  return (await Promise.all(read)).flat();
}

type Sealed = Parameters<typeof readOperatorObjects>[1];

async function readVoids(store: ObjectStore, sealed: Sealed, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const own = keys.filter((key) => key.startsWith(VOIDS_PREFIX));
  const read = await readOperatorObjects(store, sealed, own);
  const voids = read.map(({ key, content }) => parseVoid(content, refuseObject(key)));
  return new Set(voids.map(({ id, token }) => (token === undefined ? id : `${token} ${id}`)));
}

async function readMonths(
  store: ObjectStore,
  sealed: Sealed,
  keys: readonly string[],
  isWanted: (day: string) => boolean,
): Promise<readonly { readonly written: Written; readonly content: MonthContent }[]> {
  const own = keys.filter((key) => key.startsWith(MONTHS_PREFIX));
  const asked = own.filter((key) => isMonthWanted(key.slice(MONTHS_PREFIX.length), isWanted));
  const read = await readOperatorObjects(store, sealed, asked);
  return read.map(({ key, written, content }) => ({ written, content: parseMonth(content, refuseObject(key)) }));
}

function isMonthWanted(month: string, isWanted: (day: string) => boolean): boolean {
  return Array.from({ length: 31 }, (_, at) => `${month}-${String(at + 1).padStart(2, "0")}`).some(isWanted);
}

interface Reading {
  readonly rules: Parameters<typeof readBatch>[0];
  readonly ledger: Ledger;
  readonly frozenIn: (key: string) => string | undefined;
  /** Receives the keys of the batches in compacted days. */
  readonly compacted: Set<string>;
}

/**
 * Yields compacted batches before loose ones, and within each the batches of closed months first. If an id comes again
 * later in a batch whose name sorts earlier, this order makes it a duplicate and not late usage.
 */
async function* batchesOf(
  store: ObjectStore,
  sealed: Sealed,
  keys: readonly string[],
  request: UsageRequest,
  { rules, ledger, frozenIn, compacted }: Reading,
): AsyncGenerator<OpenedBatch> {
  const isFrozen = (key: string): boolean => frozenIn(key) !== undefined;
  const frozenFirst = (a: string, b: string): number => Number(isFrozen(b)) - Number(isFrozen(a));
  const isNear = nearDays(request);
  for (const key of keys.filter((it) => it.startsWith(DAYS_PREFIX) && isNear(it.slice(DAYS_PREFIX.length)))) {
    const [object] = await readOperatorObjects(store, sealed, [key]);
    if (object === undefined) continue;
    const batches = parseDay(object.content, refuseObject(key));
    for (const batch of batches.toSorted((a, b) => frozenFirst(a.key, b.key))) {
      compacted.add(batch.key);
      yield batch;
    }
  }
  const asked = keys.filter((key) => !compacted.has(key) && isBatchAsked(key, isNear, ledger)).toSorted(frozenFirst);
  for (let at = 0; at < asked.length; at += AT_ONCE) {
    const reads = asked.slice(at, at + AT_ONCE).map((key) => readOne(store, rules, key, ledger));
    // The first failure ends the loop, and nobody awaits the others.
    for (const read of reads) read.catch(() => undefined);
    for (const read of reads) {
      const batch = await read;
      if (batch !== null) yield batch;
    }
  }
}

function isBatchAsked(key: string, isNear: (day: string) => boolean, ledger: Ledger): boolean {
  if ([DAYS_PREFIX, MONTHS_PREFIX, VOIDS_PREFIX].some((prefix) => key.startsWith(prefix))) return false;
  const name: BatchName | null = parseBatchKey(key);
  if (name === null) ledger.refuse(key, "does not have the name of a batch");
  return name !== null && isNear(name.day);
}

function nearDays({ since, until, isThorough }: UsageRequest): (day: string) => boolean {
  if (isThorough === true) return () => true;
  const first = since === undefined ? "" : dayAfter(since, -ARRIVES_WITHIN_DAYS);
  // A batch's name may be ahead of the day on which the store received it.
  const last = until === undefined ? "9" : dayAfter(until, ARRIVES_WITHIN_DAYS);
  return (day) => day >= first && day <= last;
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

async function readOne(
  store: ObjectStore,
  rules: Parameters<typeof readBatch>[0],
  key: string,
  ledger: Ledger,
): Promise<OpenedBatch | null> {
  const stored = await store.get(key, { maxBytes: MAX_BATCH_BYTES });
  if (stored === null) return null;
  try {
    return await readBatch(rules, key, stored);
  } catch (error) {
    if (!(error instanceof BatchFault)) throw error;
    ledger.refuse(key, error.message);
    return null;
  }
}
