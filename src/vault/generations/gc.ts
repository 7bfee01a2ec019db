import { DAY_MS } from "../../durations.ts";
import { InputError } from "../../errors.ts";
import { USAGE_PREFIX } from "../../usage/prefix.ts";
import { verifyAudit } from "../audit/chain.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { type AmendRequest, type CommitStep, Proposal, proposeAmendment } from "../commit/proposal.ts";
import { removeAll } from "../commit/remove-all.ts";
import type { AuditRow } from "../format/audit-row.ts";
import type { Manifest } from "../format/manifest.ts";
import { BUNDLE_PREFIX, MAX_AHEAD_MS, parseTs } from "../format/object-keys.ts";
import type { Roll } from "../format/tokens/roll.ts";

export interface GcRequest extends AmendRequest {
  /** The newest generations keep their bundles, at least this many. Must be 1 or more. */
  readonly keep: number;
  /** Removes only bundles older than this. 0 means any age. */
  readonly olderThanMs: number;
}

export interface GcPlan {
  /**
   * Keys of the bundles that nobody needs any more: first those of generations, oldest first, then those that no row
   * names.
   */
  readonly keys: readonly string[];
  /** Keys of usage objects older than the settings keep. */
  readonly usage: readonly string[];
  /** The audit rows of the generations among `keys`. */
  readonly generations: readonly AuditRow[];
  readonly stays: Stays;
}

/** How many bundles stay, by reason. */
export interface Stays {
  /** Belong to the newest generations. */
  readonly kept: number;
  /** Are too young. */
  readonly young: number;
  /** How many of `young` have a time ahead of this machine's clock. */
  readonly ahead: number;
  /** No row names them, and they are so new that a running commit may have written them. */
  readonly underWay: number;
  /** Exceed what one gc removes. */
  readonly later: number;
}

/** The most keys that one row should name. A manifest has room for about forty thousand. */
const MAX_REMOVED = 10_000;
/** Beyond this many, somebody is planting names, and only the rows decide what may be removed. */
const MAX_LISTED = 100_000;

/**
 * Proposes to remove bundles that nobody needs any more, but never the manifest's own or those of the newest `keep`
 * generations. Anyone who can write to the store can make up names, so age and generation come from verified audit
 * rows. It commits before it removes: an audit row then names each removal, even of a gc that was cut short, and the
 * next gc removes the rest.
 *
 * @throws AccessDeniedError, S3UnreachableError also after the commit, if a removal fails; the message says how many
 * are left
 * @throws InputError `keep` is not 1 or more
 * @throws what opening, verifying the audit rows and committing throw
 */
export async function proposeGc(ports: CommitPorts, request: GcRequest): Promise<Proposal<GcPlan>> {
  requireKeepingOne(request.keep);
  const proposal = await proposeAmendment(ports, request, async ({ manifest }, { roll }) => {
    const bundles = await planGc(ports, request, manifest);
    const usage = await oldUsage(ports, roll, MAX_REMOVED - bundles.keys.length);
    const removed = [...bundles.keys, ...usage];
    const amendment = removed.length === 0 ? null : { action: "gc", meta: { event: "gc", removed } };
    return { plan: { ...bundles, usage }, amendment };
  });
  return new Proposal(proposal.plan, () => removing(ports, proposal), proposal);
}

function requireKeepingOne(keep: number): void {
  if (Number.isInteger(keep) && keep >= 1) return;
  throw new InputError(`gc cannot keep ${keep} generations`, { hint: "keep at least the current one: --keep=1" });
}

async function planGc(ports: CommitPorts, request: GcRequest, manifest: Manifest): Promise<Omit<GcPlan, "usage">> {
  const { rows } = await verifyAudit(ports.store, manifest);
  const listed = await listBundles(ports);
  const nowMs = ports.clock.nowMs();
  const newest = rows.filter(({ gen }) => gen > manifest.gen - request.keep);
  // A clock that ran ahead can produce the same name twice, once the first bundle of that name is gone.
  const kept = new Set([manifest.bundle.key, ...newest.map(({ bundle }) => bundle.key)]);
  const older = rows
    .slice(newest.length)
    .filter(({ bundle }) => !kept.has(bundle.key))
    .toReversed();
  // If the listing was cut short, a missing name proves nothing. Removing a bundle that is already gone does no harm.
  const there = older.filter(({ bundle }) => listed.isCut || listed.keys.has(bundle.key));
  const [old, young] = partition(there, ({ at }) => isOlder(nowMs - Date.parse(at), request));
  const named = new Set([manifest.bundle.key, ...rows.map(({ bundle }) => bundle.key)]);
  const orphans = [...listed.keys].filter((key) => !named.has(key));
  const [dead, underWay] = partition(orphans, (key) => isOldOrphan(timeOf(key), manifest, nowMs, request));
  const removable = [...old.map(({ bundle }) => bundle.key), ...dead];
  return {
    keys: removable.slice(0, MAX_REMOVED),
    generations: old.slice(0, MAX_REMOVED),
    stays: {
      kept: [...named].filter((key) => listed.keys.has(key)).length - there.length,
      young: young.length,
      ahead: young.filter(({ at }) => Date.parse(at) > nowMs).length,
      underWay: underWay.length,
      later: Math.max(removable.length - MAX_REMOVED, 0),
    },
  };
}
function partition<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  for (const one of all) (isFirst(one) ? first : second).push(one);
  return [first, second];
}

/** A time ahead of this machine's clock counts as age 0. */
function isOlder(ageMs: number, { olderThanMs }: GcRequest): boolean {
  return olderThanMs === 0 || ageMs > olderThanMs;
}

/**
 * A running commit has created its bundle but not yet swapped the manifest. Its bundle's name is then later than the
 * manifest's, unless a clock far ahead wrote that one; in that case only bundles a day old are certainly orphans.
 */
function isOldOrphan(atMs: number, manifest: Manifest, nowMs: number, request: GcRequest): boolean {
  const newestMs = timeOf(manifest.bundle.key);
  const beforeMs = newestMs > nowMs + MAX_AHEAD_MS ? nowMs - MAX_AHEAD_MS : newestMs;
  return atMs < beforeMs && isOlder(nowMs - atMs, request);
}

function timeOf(key: string): number {
  return parseTs(key.slice(BUNDLE_PREFIX.length)) ?? 0;
}

async function listBundles({ store }: CommitPorts): Promise<{ keys: ReadonlySet<string>; isCut: boolean }> {
  const keys = new Set<string>();
  let listed = 0;
  for await (const key of store.list(BUNDLE_PREFIX)) {
    if (listed === MAX_LISTED) return { keys, isCut: true };
    listed += 1;
    if (parseTs(key.slice(BUNDLE_PREFIX.length)) !== null) keys.add(key);
  }
  return { keys, isCut: false };
}

/** Totals of closed months stay: usage exists to make them. */
async function oldUsage({ store, clock }: CommitPorts, { settings }: Roll, most: number): Promise<readonly string[]> {
  const days = settings?.["usage_retention_days"];
  if (typeof days !== "number") return [];
  const first = new Date(clock.nowMs() - days * DAY_MS).toISOString().slice(0, 10);
  const old: string[] = [];
  for await (const key of store.list(USAGE_PREFIX)) {
    const day = /^usage\/(?:tok_[0-9a-f]{32}\/(\d{4}-\d{2}-\d{2})\/[^/]+|days\/(\d{4}-\d{2}-\d{2}))$/.exec(key);
    if ((day?.[1] ?? day?.[2] ?? first) < first) old.push(key);
    if (old.length >= most) break;
  }
  return old.slice(0, Math.max(most, 0));
}

async function* removing({ store }: CommitPorts, proposal: Proposal<GcPlan>): AsyncGenerator<CommitStep, void> {
  const { keys, usage } = proposal.plan;
  for await (const step of proposal.steps()) {
    if (step.kind === "done") {
      const { manifest, auditFault } = step.committed;
      const row = auditFault === null ? "" : ", its audit row is not written";
      const done = `generation ${manifest.gen} is committed${row}; `;
      await removeAll(store, [...keys, ...usage], { done, what: "objects", command: "vsync gc" });
    }
    yield step;
  }
}
