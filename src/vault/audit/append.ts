import type { SigningKey } from "../../crypto/signing.ts";
import { ConflictError } from "../../errors.ts";
import type { ObjectStore, StoredObject } from "../../ports.ts";
import { brokenRow, encodeAuditRow } from "../format/audit-row.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import type { Manifest } from "../format/manifest.ts";
import { auditKey } from "../format/object-keys.ts";

/**
 * Appends the row of a manifest's own generation, and returns its bytes. Whoever appends it writes the same bytes, so a
 * row that is there already is either this one or a broken chain.
 *
 * @throws AuditBrokenError another row stands in its place
 */
export async function appendAuditRow(store: ObjectStore, manifest: Manifest, key: SigningKey): Promise<Uint8Array> {
  const row = encodeAuditRow(manifest, key);
  try {
    await store.create(auditKey(manifest.gen), row);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (!(await holdsAuditRow(store, manifest.gen, row))) throw brokenRow(manifest.gen, "is there and is another one");
  }
  return row;
}

/** As `appendAuditRow`, but looks first at what stands in its place: most of the time the row does. */
export async function ensureAuditRow(
  store: ObjectStore,
  manifest: Manifest,
  key: SigningKey,
  standing: Promise<StoredObject | null>,
): Promise<Uint8Array> {
  const row = encodeAuditRow(manifest, key);
  return isRow(await standing, row) ? row : appendAuditRow(store, manifest, key);
}

/** Whether exactly these bytes are the row of `gen`. */
export async function holdsAuditRow(store: ObjectStore, gen: number, row: Uint8Array): Promise<boolean> {
  return isRow(await store.get(auditKey(gen), { maxBytes: MAX_MANIFEST_BYTES }), row);
}

function isRow(standing: StoredObject | null, row: Uint8Array): boolean {
  return standing !== null && Buffer.compare(standing.bytes, row) === 0;
}
