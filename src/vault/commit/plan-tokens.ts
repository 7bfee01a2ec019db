import { InputError } from "../../errors.ts";
import type { Claims } from "../../tokens/claims.ts";
import { type GrantedFrom, type GrantedItems, grantedItems } from "../../tokens/grants/granted-items.ts";
import type { NamedData } from "../format/item.ts";
import { MAX_SLOTS } from "../format/limits.ts";
import {
  encodeRoll,
  endedAt,
  liveIn,
  MAX_ENDED_RECORDS,
  MAX_ROLL_BYTES,
  MAX_TOMBSTONES,
  type Roll,
  type TokenRecord,
} from "../format/tokens/roll.ts";
import type { Tombstone } from "../format/tokens/slot.ts";

/** A live token and what its slot will give it. */
export interface PlannedSlot {
  readonly record: TokenRecord;
  readonly granted: GrantedItems;
}

/** The items that one or more tokens may read. Tokens that read the same items share a view. */
export interface PlannedView {
  /** Names, in the order of the index. */
  readonly items: readonly string[];
  /** In the order of the roll. */
  readonly slots: readonly PlannedSlot[];
}

/** What a commit makes of the roll. */
export interface TokenPlan {
  /** In the order of the roll. */
  readonly live: readonly PlannedSlot[];
  /** The views of live tokens that may not read everything. */
  readonly views: readonly PlannedView[];
  readonly tombstones: readonly Tombstone[];
  /** The roll without the records that this commit drops. */
  readonly roll: Roll;
}

/**
 * Plans the slots, tombstones and views of the generation committed at `atMs`.
 *
 * @param otherSlots how many slots the passphrases take
 * @throws InputError the live tokens do not fit
 */
export async function planTokens(
  roll: Roll,
  from: GrantedFrom,
  { atMs, otherSlots }: { readonly atMs: number; readonly otherSlots: number },
): Promise<TokenPlan> {
  const ended = roll.tokens.flatMap((record) => {
    const at = endedAt(record, atMs);
    return at === null ? [] : [{ record, at }];
  });
  const gone = new Set(ended.map(({ record }) => record));
  const records = roll.tokens.filter((record) => !gone.has(record));
  const free = MAX_SLOTS - otherSlots - records.length;
  if (free < 0) throw tooMany(records.length, MAX_SLOTS - otherSlots);
  const latest = ended.toSorted(byEnd).toReversed();
  const kept = keptOf(roll, records, latest);
  const buried = new Set(latest.filter((it) => kept.has(it.record)).slice(0, Math.min(free, MAX_TOMBSTONES)));
  const grantsOf = rememberingGrants(from);
  const live = await Promise.all(records.map(async (record) => ({ record, granted: await grantsOf(record.claims) })));
  return {
    live,
    views: viewsOf(live),
    tombstones: ended.filter((it) => buried.has(it)).map(({ record }) => tombstoneOf(record)),
    roll: { ...roll, tokens: roll.tokens.filter((record) => kept.has(record)) },
  };
}

interface Ended {
  readonly record: TokenRecord;
  readonly at: string;
}

/** By time of the end, then by id. */
function byEnd(a: Ended, b: Ended): number {
  const [one, other] = [a.at + a.record.claims.id, b.at + b.record.claims.id];
  return one < other ? -1 : 1;
}

/** Keeps every live record, and as many of the most recently ended ones as the roll has room for. */
function keptOf(roll: Roll, live: readonly TokenRecord[], latest: readonly Ended[]): ReadonlySet<TokenRecord> {
  let bytes = encodeRoll({ ...roll, tokens: live }).length;
  if (bytes > MAX_ROLL_BYTES) throw tooLarge(bytes, live);
  const kept = new Set(live);
  for (const { record } of latest.slice(0, MAX_ENDED_RECORDS)) {
    bytes += Buffer.byteLength(JSON.stringify(record)) + (kept.size === 0 ? 0 : 1);
    if (bytes > MAX_ROLL_BYTES) break;
    kept.add(record);
  }
  return kept;
}

function tombstoneOf({ claims: { id, not_after = "" }, revoked_at }: TokenRecord): Tombstone {
  return revoked_at === undefined ? { id, seals: "X", expired_at: not_after } : { id, seals: "X", revoked_at };
}

/**
 * Returns a function that gives what claims grant of these items. It caches, because hundreds of tokens usually share a
 * few sets of claims.
 */
export function rememberingGrants(from: GrantedFrom): (claims: Claims) => Promise<GrantedItems> {
  const known = new Map<string, Promise<GrantedItems>>();
  return ({ permissions, grants }) => {
    const key = JSON.stringify([permissions ?? null, grants ?? null]);
    const granted = known.get(key) ?? grantedItems({ permissions, grants }, from);
    known.set(key, granted);
    return granted;
  };
}

/** What a change of the items gives a token, and what it takes away. */
export interface TokenEffect {
  readonly id: string;
  readonly lastFour: string;
  /** The token's name, or null if it has none. */
  readonly name: string | null;
  /** Names, each list in the vault's order. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/** The vault and its roll, before the change. */
export interface AffectedVault {
  readonly repo: string;
  readonly env: string;
  readonly roll: Roll;
  readonly nowMs: number;
  /** Repo and env after the change, if they change. */
  readonly to?: { readonly repo: string; readonly env: string };
}

/** The live tokens that will read more or fewer names: every commit evaluates their grants on the new items. */
export async function effectsOn(
  { repo, env, roll, nowMs, to = { repo, env } }: AffectedVault,
  before: readonly NamedData[],
  after: readonly NamedData[],
): Promise<readonly TokenEffect[]> {
  const had = rememberingGrants({ repo, env, items: before });
  const has = rememberingGrants({ repo: to.repo, env: to.env, items: after });
  const effects = liveIn(roll, nowMs).map(async (record) => {
    const [then, now] = await Promise.all([had(record.claims), has(record.claims)]);
    return effectOf(record, new Set(then.items), new Set(now.items));
  });
  return (await Promise.all(effects)).filter(({ gains, loses }) => gains.length + loses.length > 0);
}

function effectOf({ claims, last_four }: TokenRecord, had: ReadonlySet<string>, has: ReadonlySet<string>): TokenEffect {
  return {
    id: claims.id,
    lastFour: last_four,
    name: claims.name ?? null,
    gains: [...has].filter((name) => !had.has(name)),
    loses: [...had].filter((name) => !has.has(name)),
  };
}

function viewsOf(live: readonly PlannedSlot[]): readonly PlannedView[] {
  const restricted = live.filter(({ granted }) => !granted.root);
  const lists = new Map(restricted.map(({ granted: { items } }) => [items, JSON.stringify(items)]));
  const groups = Map.groupBy(restricted, ({ granted: { items } }) => lists.get(items));
  return [...groups.values()].map((slots) => ({ items: slots[0]?.granted.items ?? [], slots }));
}

function tooMany(count: number, most: number): InputError {
  return new InputError(`the vault would have ${count} live tokens, but only ${most} fit beside its passphrases`, {
    hint: "revoke those that nobody uses: `vsync tokens list` shows them",
  });
}

function tooLarge(bytes: number, live: readonly TokenRecord[]): InputError {
  const largest = live.toSorted((a, b) => JSON.stringify(b).length - JSON.stringify(a).length)[0];
  const named = largest === undefined ? "" : `; the largest is ${largest.claims.id}`;
  return new InputError(
    `the records of the ${live.length} live tokens take ${bytes} bytes, more than the ${MAX_ROLL_BYTES} that fit${named}`,
    { hint: "shorten their grants, or revoke those that nobody uses: `vsync tokens list` shows them" },
  );
}
