import { sha256Hex } from "../../crypto/digest.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { ConflictError, VsyncError } from "../../errors.ts";
import type { Clock, ObjectStore, Random } from "../../ports.ts";
import { appendAuditRow, requireOwnRow } from "../audit/append.ts";
import type { Manifest } from "../format/manifest.ts";
import { bundleKey, firstTsMs, formatTs } from "../format/object-keys.ts";
import { liveEntries } from "../unlock/entries.ts";
import { type CommitBase, currentGen, currentTs, type Draft } from "./draft.ts";
import { readNeighbours, refuseFork } from "./neighbours.ts";
import { nextManifest, refuseUnwritable, type SealedDraft } from "./next-manifest.ts";
import type { CommitStep } from "./proposal.ts";
import { sealBundle } from "./seal-bundle.ts";
import { swapManifest } from "./swap-manifest.ts";

/** A crashed commit leaves one orphan; a hundred in successive milliseconds have another cause. */
const MAX_BUNDLE_KEY_TRIES = 100;

export interface CommitPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The one way to write a generation (`docs/format.md` §5, Committing): the current generation's audit row if it is missing
 * → the bundle → the manifest, conditionally → the new audit row. Interrupted anywhere, the vault opens exactly as before
 * or exactly as after.
 *
 * @param draft is made while the neighbouring audit rows are on their way
 * @throws ConflictError another commit was faster; no manifest names the bundle written here
 * @throws RollbackError the manifest is older than the audit rows; nothing was written
 * @throws AuditBrokenError another row is in place of the current generation's; nothing was written
 * @throws OutcomeUnknownError the manifest's swap was sent and cannot be read back
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

  if (current !== null && previous?.isMissing) await appendAuditRow(store, current.manifest, current.signingKey);
  const key = await createBundle(store, sealed.bundle, firstTsMs(sealed.nowMs, currentTs(base)));
  yield { kind: "bundle-created" };

  const manifest = nextManifest(base, sealed, key, previous?.row ?? null);
  await swapManifest(store, current?.version ?? null, manifest, sealed.signingKey);
  yield { kind: "manifest-swapped" };

  const auditFault = await tryAppend(store, manifest, sealed.signingKey);
  yield { kind: "done", committed: { manifest, auditFault } };
}

/** Refuses everything it can without the store. Reads the clock here, after every question. */
async function sealDraft(ports: CommitPorts, base: CommitBase, draft: Draft): Promise<SealedDraft> {
  const nowMs = ports.clock.nowMs();
  const unlock = liveEntries(draft.unlock, nowMs);
  const contents = { ...draft, vault: base.vault, gen: currentGen(base) + 1, entries: unlock };
  const bundle = await sealBundle(ports.random, contents);
  const sealed = { ...draft, unlock, bundle, sha256: sha256Hex(bundle), nowMs };
  const lastMs = firstTsMs(nowMs, currentTs(base)) + MAX_BUNDLE_KEY_TRIES;
  refuseUnwritable(base, sealed, bundleKey(formatTs(lastMs)));
  return sealed;
}

async function createBundle(store: ObjectStore, bundle: Uint8Array, firstMs: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    const key = bundleKey(formatTs(firstMs + tries));
    try {
      await store.create(key, bundle);
      return key;
    } catch (error) {
      // A crashed commit's orphan has this name and other bytes, so take the next millisecond.
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
