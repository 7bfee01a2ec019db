import { sha256Hex } from "../../crypto/digest.ts";
import { AccessDeniedError, RollbackError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { type AuditRow, auditRowOf, auditRowText } from "../format/audit-row.ts";
import type { Manifest } from "../format/manifest.ts";
import { AUDIT_PREFIX } from "../format/object-keys.ts";
import { requireNotOlder } from "../open/expectation.ts";
import { verifyAudit } from "./chain.ts";

/** Beyond this distance, verify the whole chain instead of only the rows in between. */
const MAX_ROWS_BETWEEN = 64;

/** The newest generation that one holder has opened. */
export interface Floor {
  readonly gen: number;
  /**
   * SHA-256 of that generation's audit row, in hex. The row follows from the manifest and links to the row before it,
   * so it pins the history.
   */
  readonly row: string;
}

export function floorOf(manifest: Manifest): Floor {
  return { gen: manifest.gen, row: digestOf(auditRowOf(manifest)) };
}

/**
 * Checks that a proven manifest continues the history that its holder saw before: it is that generation or a later one.
 *
 * @returns false if this key may not list the rows; then the caller must not raise the floor
 * @throws RollbackError the manifest is older, or its history forked from the one seen
 * @throws AuditBrokenError a row in between is missing or wrong
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

/**
 * An attacker who can write a row can make it alone answer 403, by encrypting it with their own key. They cannot do
 * that to a listing.
 */
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
  throw new RollbackError(`generation ${floor.gen} is not the one seen before: the history has forked`);
}

function digestOf(row: AuditRow): string {
  return sha256Hex(Buffer.from(auditRowText(row)));
}
