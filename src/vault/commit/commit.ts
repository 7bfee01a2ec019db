import { sha256Hex } from "../../crypto/digest.ts";
import { generateSigningKey, type SigningKey } from "../../crypto/signing.ts";
import { ConflictError, InputError, OutcomeUnknownError, S3UnreachableError, VsyncError } from "../../errors.ts";
import type { Clock, ObjectStore, Random } from "../../ports.ts";
import { appendAuditRow, requireOwnRow } from "../audit/append.ts";
import type { Manifest } from "../format/manifest.ts";
import { bundleKey, firstTsMs, formatTs } from "../format/object-keys.ts";
import type { Roll } from "../format/tokens/roll.ts";
import { liveEntries } from "../unlock/entries.ts";
import { type CommitBase, currentGen, currentTs, type Draft } from "./draft.ts";
import { settledKeys } from "./gateway-keys.ts";
import { readNeighbours, refuseFork } from "./neighbours.ts";
import { nextManifest, refuseUnwritable, type SealedDraft, swapManifest } from "./next-manifest.ts";
import { planTokens } from "./plan-tokens.ts";
import { sealBundle } from "./seal-bundle.ts";
import type { TokenContents } from "./seal-tokens.ts";

/** A crashed commit leaves one orphan. A hundred in successive milliseconds have some other cause. */
const MAX_BUNDLE_KEY_TRIES = 100;
const MAX_SKEW_MS = 5 * 60_000;

export interface CommitPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Committed {
  readonly manifest: Manifest;
  /** Why the audit row is missing, or null. The commit stands, and the next one appends the row. */
  readonly auditFault: VsyncError | null;
}

/** The progress of a commit. */
export type CommitStep =
  /** Everything is checked and sealed; the next step writes, first the row of `outstanding` if it is missing. */
  | { readonly kind: "ready"; readonly outstanding: number | null }
  /** The next step swaps this manifest in. */
  | { readonly kind: "bundle-created"; readonly manifest: Manifest }
  | { readonly kind: "manifest-swapped" }
  | { readonly kind: "done"; readonly committed: Committed };

/**
 * The only way to write a generation (`docs/format.md` §5, Committing). In order: the current generation's audit row if
 * it is missing, the bundle, the manifest conditionally, then the new audit row. If it is interrupted anywhere, the
 * vault opens exactly as before or exactly as after.
 *
 * @param draft called while the neighbouring audit rows are being fetched
 * @throws ConflictError another commit was faster; no manifest names the bundle written here
 * @throws RollbackError the manifest is older than the audit rows; nothing was written
 * @throws AuditBrokenError another row has the key of the current generation's; nothing was written
 * @throws S3UnreachableError a write before the manifest failed, or its outcome is unknown
 * @throws OutcomeUnknownError the manifest was sent and cannot be read back
 * @throws InputError the format does not allow the draft; nothing was written
 */
export async function* commitGeneration(
  ports: CommitPorts,
  base: CommitBase,
  draft: () => Promise<Draft> | Draft,
): AsyncGenerator<CommitStep, void> {
  const { store } = ports;
  const { current } = base;
  using neighbours = readNeighbours(store, currentGen(base) + 1);
  const sealed = await sealDraft(ports, base, await draft());
  await refuseFork(store, neighbours.above, { gen: currentGen(base) + 1, base: current?.version ?? null });
  const previous = current === null ? null : await requireOwnRow(current, neighbours.before);
  yield { kind: "ready", outstanding: previous?.isMissing ? currentGen(base) : null };

  if (current !== null && previous?.isMissing)
    await beforeSwap(() => appendAuditRow(store, current.manifest, current.signingKey));
  const key = await beforeSwap(() => createBundle(store, sealed.bundle, firstTsMs(sealed.nowMs, currentTs(base))));
  const manifest = nextManifest(base, sealed, key, previous?.row ?? null);
  yield { kind: "bundle-created", manifest };

  await swapManifest(store, current?.version ?? null, manifest, sealed.signingKey);
  yield { kind: "manifest-swapped" };

  const auditFault = await tryAppend(store, manifest, sealed.signingKey);
  yield { kind: "done", committed: { manifest, auditFault } };
}

/** Runs every check that needs no store. It reads the clock here, after all questions have been answered. */
async function sealDraft(ports: CommitPorts, base: CommitBase, draft: Draft): Promise<SealedDraft> {
  const nowMs = ports.clock.nowMs();
  const unlock = liveEntries(draft.unlock, nowMs);
  const tokens = await tokensAt(ports.random, nowMs, base, draft, unlock.length);
  const contents = { ...draft, vault: base.vault, gen: currentGen(base) + 1, entries: unlock, tokens };
  const bundle = await sealBundle(ports.random, contents);
  const sealed = { ...draft, unlock, bundle, sha256: sha256Hex(bundle), nowMs, anchors: tokens.anchors };
  const lastMs = firstTsMs(nowMs, currentTs(base)) + MAX_BUNDLE_KEY_TRIES;
  refuseUnwritable(base, sealed, bundleKey(formatTs(lastMs)));
  return sealed;
}

async function tokensAt(
  random: Random,
  atMs: number,
  base: CommitBase,
  { tokens: drafted, items }: Draft,
  otherSlots: number,
): Promise<TokenContents> {
  const tokens = settledKeys(drafted, random, atMs);
  const lastMs = base.current === null ? 0 : Date.parse(base.current.manifest.at);
  requireClock(tokens.roll, { lastMs, atMs, skewMs: base.current?.skewMs ?? 0 });
  const plan = await planTokens(tokens.roll, { repo: base.repo, env: base.env, items }, { atMs, otherSlots });
  const isFirst = tokens.anchors.length === 0 && plan.live.length > 0;
  return {
    plan,
    anchors: isFirst ? [generateSigningKey()] : tokens.anchors,
    gatewaySigners: tokens.gatewaySigners,
    atMs,
  };
}

/**
 * A wrong clock would end a token early or let it read too long. A token that had ended by the last commit and has
 * ended by both clocks is beyond dispute.
 *
 * @throws InputError this machine's clock and the store's differ by more than `MAX_SKEW_MS`, and a token depends on it
 */
function requireClock(
  { tokens }: Roll,
  { lastMs, atMs, skewMs }: Readonly<Record<"lastMs" | "atMs" | "skewMs", number>>,
) {
  const earliestMs = Math.min(lastMs, atMs, atMs + skewMs);
  const isJudged = tokens.some(
    ({ claims: { not_after }, revoked_at }) =>
      not_after !== undefined && revoked_at === undefined && Date.parse(not_after) > earliestMs,
  );
  if (!isJudged || Math.abs(skewMs) <= MAX_SKEW_MS) return;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  const side = skewMs > 0 ? "behind" : "ahead of";
  throw new InputError(
    `this machine's clock is ${minutes} minutes ${side} the store's, and tokens of the vault expire by it`,
    {
      hint: "correct this machine's clock, then run the same command again",
    },
  );
}

/** A lost answer may leave the current generation's row, or a bundle that no manifest names. */
async function beforeSwap<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError)) throw error;
    throw new S3UnreachableError(`the new generation was not written: ${error.message}`, {
      hint: "the vault is as it was: run the same command again",
    });
  }
}

async function createBundle(store: ObjectStore, bundle: Uint8Array, firstMs: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    const key = bundleKey(formatTs(firstMs + tries));
    try {
      await store.create(key, bundle);
      return key;
    } catch (error) {
      // A crashed commit left other bytes under this name, so try the next millisecond.
      if (!(error instanceof ConflictError) || tries >= MAX_BUNDLE_KEY_TRIES) throw error;
    }
  }
}

async function tryAppend(store: ObjectStore, manifest: Manifest, key: SigningKey): Promise<VsyncError | null> {
  try {
    await appendAuditRow(store, manifest, key);
    return null;
  } catch (error) {
    if (error instanceof VsyncError) return error;
    throw error;
  }
}
