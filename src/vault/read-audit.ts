import type { AuditRow } from "./audit-row.ts";
import type { Manifest } from "./manifest.ts";
import { type OpenRequest, openManifest, type ReadPorts } from "./open-manifest.ts";
import { PassphraseKeys } from "./passphrase-keys.ts";
import { verifyAudit } from "./verify-audit.ts";

export interface AuditRequest extends OpenRequest {
  /** So many of the newest generations; absent: all of them. */
  readonly tail?: number | undefined;
}

export interface ReadAudit {
  readonly manifest: Manifest;
  /** Oldest first, each one verified. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation, where its row has not been appended yet; null where it has. */
  readonly outstanding: number | null;
}

/**
 * The audit rows, verified from the newest one back as far as they are read. What is older is neither listed nor fetched.
 *
 * @throws AuditBrokenError the first fault on the way back, with its `row`
 * @throws what `openManifest` throws
 */
export async function readAudit(ports: ReadPorts, request: AuditRequest): Promise<ReadAudit> {
  const keys = new PassphraseKeys(request.passphrase);
  try {
    const { manifest } = await openManifest(ports, request, keys);
    const downTo = request.tail === undefined ? 1 : manifest.gen - request.tail + 1;
    const { rows, outstanding } = await verifyAudit(ports.store, manifest, { ...request, downTo });
    return { manifest, rows: rows.toReversed(), outstanding };
  } finally {
    keys.destroy();
  }
}
