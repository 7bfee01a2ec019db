import { appendAuditRow, requireOwnRow } from "../audit/append.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { auditKey } from "../format/object-keys.ts";
import type { OpenRequest } from "../open/open-manifest.ts";
import type { CommitPorts } from "./commit.ts";
import { openSigner, type SignedVault } from "./open-for-commit.ts";
import type { CommitStep } from "./proposal.ts";
import { Proposal } from "./proposal.ts";

export interface ReconcilePlan {
  readonly gen: number;
}

/**
 * Proposes to append the current generation's audit row, after a commit that could not. Proposes nothing if the row
 * exists.
 *
 * @throws AuditBrokenError another row has its key
 * @throws what opening throws
 */
export async function proposeReconcile(
  ports: Pick<CommitPorts, "store" | "clock">,
  request: OpenRequest,
): Promise<Proposal<ReconcilePlan>> {
  const { store } = ports;
  const writable = await openSigner(ports, request);
  try {
    const { gen } = writable.vault.manifest;
    const standing = store.get(auditKey(gen), { maxBytes: MAX_MANIFEST_BYTES });
    const { isMissing } = await requireOwnRow({ ...writable.vault, ...writable }, standing);
    return new Proposal({ gen }, isMissing ? () => appendOwnRow(ports, writable) : null, writable);
  } catch (error) {
    writable[Symbol.dispose]();
    throw error;
  }
}

/** Appends the row of the manifest's own generation, unless it exists. */
export async function* appendOwnRow(
  { store }: Pick<CommitPorts, "store">,
  { vault, signingKey }: SignedVault,
): AsyncGenerator<CommitStep, void> {
  await appendAuditRow(store, vault.manifest, signingKey);
  yield { kind: "done", committed: { manifest: vault.manifest, auditFault: null } };
}
