import { AccessDeniedError, InputError, S3UnreachableError } from "../errors.ts";
import { verifyAudit } from "./audit/chain.ts";
import { type AmendRequest, proposeAmendment } from "./commit/amend.ts";
import type { CommitPorts } from "./commit/commit.ts";
import type { CommitStep } from "./commit/proposal.ts";
import { Proposal } from "./commit/proposal.ts";
import type { Manifest } from "./format/manifest.ts";
import { BUNDLE_PREFIX, parseTs } from "./format/object-keys.ts";

export interface GcRequest extends AmendRequest {
  /** At least so many of the newest generations keep their bundles; at least 1. */
  readonly keep: number;
  /** Only bundles older than this. */
  readonly olderThanMs: number;
}

export interface GcPlan {
  /** Keys of the bundles that nobody needs any more, oldest first. */
  readonly keys: readonly string[];
}

/** What one row can tell of: a manifest has room for some forty thousand keys. */
const MAX_REMOVED = 10_000;

/**
 * Proposes to remove bundles that nobody needs any more: never what the manifest names, never one of the newest `keep`
 * generations. The commit that says so comes first, which makes a row tell of every removal, also of one that was cut
 * short: then the next gc removes the rest. At most ten thousand go at once, the oldest.
 *
 * @throws AccessDeniedError, S3UnreachableError also after the commit, if a removal fails: the message says how many are left
 * @throws InputError `keep` is not 1 or more
 * @throws what opening, verifying the audit rows and committing throw
 */
export async function proposeGc(ports: CommitPorts, request: GcRequest): Promise<Proposal<GcPlan>> {
  requireKeepingOne(request.keep);
  const proposal = await proposeAmendment(ports, request, async ({ manifest }) => {
    const keys = await removableKeys(ports, request, manifest);
    const amendment = keys.length === 0 ? null : { action: "gc", meta: { event: "gc", removed: keys } };
    return { plan: { keys }, amendment };
  });
  return new Proposal(proposal.plan, () => removing(ports, proposal), proposal);
}

function requireKeepingOne(keep: number): void {
  if (Number.isInteger(keep) && keep >= 1) return;
  throw new InputError(`gc cannot keep ${keep} generations`, { hint: "keep at least the current one: --keep=1" });
}

async function removableKeys(ports: CommitPorts, request: GcRequest, manifest: Manifest): Promise<readonly string[]> {
  const kept = await keptKeys(ports, request, manifest);
  // A commit under way has created its bundle and not yet swapped the manifest: what is newer than the manifest stays.
  const newest = parseTs(manifest.bundle.key.slice(BUNDLE_PREFIX.length)) ?? 0;
  const before = Math.min(ports.clock.nowMs() - request.olderThanMs, newest);
  const keys: string[] = [];
  for await (const key of ports.store.list(BUNDLE_PREFIX)) {
    if (keys.length === MAX_REMOVED) break;
    const at = parseTs(key.slice(BUNDLE_PREFIX.length));
    if (at !== null && at < before && !kept.has(key)) keys.push(key);
  }
  return keys;
}

/** What the newest generations name, by their audit rows. */
async function keptKeys(ports: CommitPorts, request: GcRequest, manifest: Manifest): Promise<ReadonlySet<string>> {
  const downTo = Math.max(1, manifest.gen - request.keep + 1);
  const { rows } = await verifyAudit(ports.store, manifest, { downTo });
  return new Set([manifest.bundle.key, ...rows.map((row) => row.bundle.key)]);
}

async function* removing({ store }: CommitPorts, proposal: Proposal<GcPlan>): AsyncGenerator<CommitStep, void> {
  const { keys } = proposal.plan;
  for await (const step of proposal.steps()) {
    if (step.kind === "done") await removeAll(store, keys, step.committed.manifest.gen);
    yield step;
  }
}

async function removeAll(store: CommitPorts["store"], keys: readonly string[], gen: number): Promise<void> {
  for (const [gone, key] of keys.entries()) {
    await store.delete(key).catch((error: unknown) => {
      throw cutShort(error, `generation ${gen} is committed; ${keys.length - gone} of ${keys.length} bundles are left`);
    });
  }
}

/** The same failure, told with what stands and what is left to do. */
function cutShort(error: unknown, progress: string): unknown {
  const again = "run the same vsync gc again: it removes the rest";
  if (error instanceof AccessDeniedError) {
    const hint = `let this key delete (\`vsync policy --role=operator\` prints what it needs), then ${again}`;
    return new AccessDeniedError(`${progress}: ${error.message}`, { hint });
  }
  if (!(error instanceof S3UnreachableError)) return error;
  return new S3UnreachableError(`${progress}: ${error.message}`, { hint: `once the store answers, ${again}` });
}
