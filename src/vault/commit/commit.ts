import { sha256Hex } from "../../crypto/digest.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { ConflictError, VsyncError } from "../../errors.ts";
import type { Clock, ObjectStore, Random } from "../../ports.ts";
import { appendAuditRow, ensureAuditRow } from "../audit/append.ts";
import type { Manifest } from "../format/manifest.ts";
import { bundleKey, firstTsMs, formatTs } from "../format/object-keys.ts";
import { type CommitBase, currentGen, currentTs, type Draft } from "./draft.ts";
import { type Neighbours, refuseFork, withNeighbours } from "./neighbours.ts";
import { nextManifest, refuseUnwritable, type SealedDraft } from "./next-manifest.ts";
import { sealBundle } from "./seal-bundle.ts";
import { swapManifest } from "./swap-manifest.ts";

/** A crashed commit leaves one orphan; more than this many in successive milliseconds is not that. */
const MAX_BUNDLE_KEY_TRIES = 100;

/** How far a commit has come. */
export type CommitPhase = "bundle-created" | "manifest-swapped" | "audit-appended";

export interface CommitPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly onPhase?: (phase: CommitPhase) => void;
}

export interface Committed {
  readonly manifest: Manifest;
  /** Null where the audit row was appended; else why not. The commit stands, and the next one appends the row. */
  readonly auditFault: VsyncError | null;
}

/**
 * The one way to write a generation (`docs/format.md` §5, Committing): the current generation's audit row if it is missing
 * → the bundle → the manifest, conditionally → the new audit row. Wherever it is interrupted, the vault opens exactly
 * as before or exactly as after.
 *
 * @param neighbours the audit rows on both sides, if they were asked for while the draft was being made
 * @throws ConflictError another commit was faster; the bundle written here is named by no manifest
 * @throws RollbackError the manifest is older than the audit rows; nothing was written
 * @throws OutcomeUnknownError the manifest's swap was sent and cannot be read back
 * @throws InputError what was to be written is not what the format allows; nothing was written
 */
export async function commitGeneration(
  ports: CommitPorts,
  base: CommitBase,
  draft: Draft,
  neighbours?: Neighbours,
): Promise<Committed> {
  const { store } = ports;
  const sealed = await sealDraft(ports, base, draft);
  const ensure = (found: Neighbours) => ensurePreviousRow(store, base, found);
  const previousRow = await (neighbours === undefined
    ? withNeighbours(store, currentGen(base) + 1, ensure)
    : ensure(neighbours));
  return write(ports, base, sealed, previousRow);
}

/** A draft with its bundle. All that can be refused without a look at the store is refused here. */
async function sealDraft(ports: CommitPorts, base: CommitBase, draft: Draft): Promise<SealedDraft> {
  const nowMs = ports.clock.nowMs();
  const { vault } = base;
  const contents = { ...draft, vault, gen: currentGen(base) + 1, entries: draft.unlock };
  const bundle = await sealBundle(ports.random, contents);
  draft.onSealed?.();
  const sealed = { ...draft, bundle, sha256: sha256Hex(bundle), nowMs };
  const lastMs = firstTsMs(nowMs, currentTs(base)) + MAX_BUNDLE_KEY_TRIES;
  refuseUnwritable(base, sealed, bundleKey(formatTs(lastMs)));
  return sealed;
}

/** The bytes of the current generation's audit row, which is appended if it is missing; null for the first commit. */
async function ensurePreviousRow(
  store: ObjectStore,
  base: CommitBase,
  { own, before }: Neighbours,
): Promise<Uint8Array | null> {
  const { current } = base;
  await refuseFork(store, own, { gen: currentGen(base) + 1, base: current?.version ?? null });
  return current === null ? null : ensureAuditRow(store, current.manifest, current.signingKey, before);
}

async function write(
  ports: CommitPorts,
  base: CommitBase,
  sealed: SealedDraft,
  previousRow: Uint8Array | null,
): Promise<Committed> {
  const { store } = ports;
  const key = await createBundle(store, sealed.bundle, firstTsMs(sealed.nowMs, currentTs(base)));
  ports.onPhase?.("bundle-created");
  const manifest = nextManifest(base, sealed, key, previousRow);
  await swapManifest(store, base.current?.version ?? null, manifest, sealed.signingKey);
  ports.onPhase?.("manifest-swapped");
  const auditFault = await tryAppend(store, manifest, sealed.signingKey);
  if (auditFault === null) ports.onPhase?.("audit-appended");
  return { manifest, auditFault };
}

async function createBundle(store: ObjectStore, bundle: Uint8Array, firstMs: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    const key = bundleKey(formatTs(firstMs + tries));
    try {
      await store.create(key, bundle);
      return key;
    } catch (error) {
      // A crashed commit's orphan has this name and other bytes: the next millisecond is as good.
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
