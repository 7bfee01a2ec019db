import { sha256Hex } from "../../crypto/digest.ts";
import { AccessDeniedError, RollbackError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { type AuditRow, auditRowOf, auditRowText } from "../format/audit-row.ts";
import type { Manifest } from "../format/manifest.ts";
import { AUDIT_PREFIX } from "../format/object-keys.ts";
import { requireNotOlder } from "../open/expectation.ts";
import { verifyAudit } from "./chain.ts";

/** Further apart than this, the whole chain is verified instead of the rows in between. */
const MAX_ROWS_BETWEEN = 64;

/** The newest generation that one holder has opened. */
export interface Floor {
  readonly gen: number;
  /** SHA-256 of the text of that generation's audit row, which follows from the manifest and names the row below it. */
  readonly row: string;
}

export function floorOf(manifest: Manifest): Floor {
  return { gen: manifest.gen, row: digestOf(auditRowOf(manifest)) };
}

/**
 * Holds a proven manifest to what its holder has seen before: it is that generation, or a later one of the same history.
 *
 * @returns false if this key may not list the rows: the floor must not be raised then
 * @throws RollbackError it is older, or of a history that was forked
 * @throws AuditBrokenError the rows in between
 */
export async function isDescendant(
  store: ObjectStore,
  manifest: Manifest,
  floor: Floor,
  options: ReadOptions = {},
): Promise<boolean> {
  requireNotOlder(manifest, floor.gen);
  if (manifest.gen === floor.gen) {
    requireSame(auditRowOf(manifest), floor);
    return true;
  }
  try {
    const downTo = manifest.gen - floor.gen > MAX_ROWS_BETWEEN ? 1 : floor.gen;
    const { rows } = await verifyAudit(store, manifest, { ...options, downTo });
    for (const row of rows) if (row.gen === floor.gen) requireSame(row, floor);
    return true;
  } catch (error) {
    if (error instanceof AccessDeniedError && !(await mayList(store, options))) return false;
    throw error;
  }
}

/** A writer of rows can make one answer 403 alone, encrypted with a key of their own; a listing they cannot. */
async function mayList(store: ObjectStore, options: ReadOptions): Promise<boolean> {
  try {
    for await (const _ of store.list(AUDIT_PREFIX, options)) break;
    return true;
  } catch (error) {
    if (error instanceof AccessDeniedError) return false;
    throw error;
  }
}

function requireSame(row: AuditRow, floor: Floor): void {
  if (digestOf(row) === floor.row) return;
  throw new RollbackError(`generation ${floor.gen} is not the one that was seen before: the history was forked`);
}

function digestOf(row: AuditRow): string {
  return sha256Hex(Buffer.from(auditRowText(row)));
}
