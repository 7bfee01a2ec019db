import type { SigningKey } from "../../crypto/signing.ts";
import { ConflictError } from "../../errors.ts";
import type { ObjectStore, StoredObject } from "../../ports.ts";
import { brokenRow, encodeAuditRow } from "../format/audit-row.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import type { Manifest } from "../format/manifest.ts";
import { auditKey } from "../format/object-keys.ts";

/**
 * Appends the row of a manifest's own generation and returns its bytes. Every machine writes the same bytes, so a
 * stored row with other bytes means a broken chain.
 *
 * @throws AuditBrokenError another row has its key
 */
export async function appendAuditRow(store: ObjectStore, manifest: Manifest, key: SigningKey): Promise<Uint8Array> {
  const row = encodeAuditRow(manifest, key);
  try {
    await store.create(auditKey(manifest.gen), row);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (!(await holdsAuditRow(store, manifest.gen, row))) throw brokenRow(manifest.gen, "exists with other content");
  }
  return row;
}

/** The row of a manifest's own generation, and whether the store lacks it. */
export interface OwnRow {
  readonly row: Uint8Array;
  readonly isMissing: boolean;
}

/**
 * Compares the row of a manifest's own generation with the stored one.
 *
 * @throws AuditBrokenError another row has its key
 */
export async function requireOwnRow(
  { manifest, signingKey }: { readonly manifest: Manifest; readonly signingKey: SigningKey },
  standing: Promise<StoredObject | null>,
): Promise<OwnRow> {
  const row = encodeAuditRow(manifest, signingKey);
  const found = await standing;
  if (found !== null && !isRow(found, row)) throw brokenRow(manifest.gen, "exists with other content");
  return { row, isMissing: found === null };
}

/** Whether the store has exactly these bytes as the row of `gen`. */
export async function holdsAuditRow(store: ObjectStore, gen: number, row: Uint8Array): Promise<boolean> {
  return isRow(await store.get(auditKey(gen), { maxBytes: MAX_MANIFEST_BYTES }), row);
}

function isRow(standing: StoredObject | null, row: Uint8Array): boolean {
  return standing !== null && Buffer.compare(standing.bytes, row) === 0;
}
