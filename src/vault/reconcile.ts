import { appendAuditRow, holdsAuditRow } from "./audit/append.ts";
import { openSigner } from "./commit/open-for-commit.ts";
import { encodeAuditRow } from "./format/audit-row.ts";
import type { OpenRequest, ReadPorts } from "./open/open-manifest.ts";

export interface Reconciled {
  readonly gen: number;
  /** False where the row was there already. */
  readonly appended: boolean;
}

/**
 * Appends the current generation's audit row where a commit could not. Idempotent.
 *
 * @throws AuditBrokenError another row stands in its place
 */
export async function reconcileAudit(ports: ReadPorts, request: OpenRequest): Promise<Reconciled> {
  const { vault, signingKey } = await openSigner(ports, request);
  const { gen } = vault.manifest;
  const held = await holdsAuditRow(ports.store, gen, encodeAuditRow(vault.manifest, signingKey));
  if (!held) await appendAuditRow(ports.store, vault.manifest, signingKey);
  return { gen, appended: !held };
}
