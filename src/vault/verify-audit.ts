import { sha256Hex } from "../crypto/digest.ts";
import { AuditBrokenError } from "../errors.ts";
import { type AuditRow, auditRowOf, auditRowText, brokenRow, type ParsedAuditRow, parseAuditRow } from "./audit-row.ts";
import { fetchManifest } from "./fetch-manifest.ts";
import { fetchRows } from "./fetch-rows.ts";
import { AUDIT_PREFIX, auditKey, generationOfAuditKey } from "./keys.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import type { ObjectStore, ReadOptions, StoredObject } from "./ports.ts";

export interface VerifiedAudit {
  /** Newest first, down to where it was asked for. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation, where its row has not been appended yet; null where it has. */
  readonly outstanding: number | null;
}

export interface VerifyOptions extends ReadOptions {
  /** The oldest generation whose row is verified. Default 1. */
  readonly downTo?: number;
}

/** What the row above (or the manifest) says of the row that is looked at. */
interface Link {
  readonly sha256: string | undefined;
  readonly signer: string;
}

/**
 * Walks the audit rows back from the newest: each is there, is the one that the row above (or the manifest) names, and is
 * signed by the signer of its time. `manifest` has been opened with a passphrase, which is what the chain hangs on.
 *
 * @throws AuditBrokenError the first fault on the way back, with its `row`
 */
export async function verifyAudit(
  store: ObjectStore,
  manifest: Manifest,
  options: VerifyOptions = {},
): Promise<VerifiedAudit> {
  const { newest, hasCurrent } = await listRows(store, manifest, options);
  if (newest > manifest.gen) await refuseNewerRow(store, newest, options);
  const rows: AuditRow[] = [];
  // The manifest names the row of the generation before: its own row says so too, where it is there.
  let link: Link = hasCurrent ? { sha256: undefined, signer: manifest.signer } : linkBelow(manifest);
  const downTo = Math.max(options.downTo ?? 1, 1);
  let gen = hasCurrent ? manifest.gen : manifest.prev_gen;
  for await (const stored of fetchRows(store, { newest: gen, downTo }, options)) {
    const { row, text } = readRow(stored, manifest.vault, gen, link);
    if (gen === manifest.gen) checkAgainstManifest(text, manifest);
    rows.push(row);
    link = { sha256: row.prev, signer: row.prev_signer ?? row.signer };
    gen -= 1;
  }
  return { rows, outstanding: hasCurrent ? null : manifest.gen };
}

function linkBelow(manifest: Manifest): Link {
  return { sha256: manifest.audit?.sha256, signer: manifest.prev_signer ?? manifest.signer };
}

async function listRows(
  store: ObjectStore,
  manifest: Manifest,
  { signal }: ReadOptions,
): Promise<{ newest: number; hasCurrent: boolean }> {
  let newest = 0;
  let hasCurrent = false;
  // Only what can be as new as the manifest: the walk back finds out by itself which older rows are missing.
  const startAfter = auditKey(manifest.prev_gen);
  for await (const key of store.list(AUDIT_PREFIX, { signal, startAfter })) {
    const gen = generationOfAuditKey(key) ?? 0;
    newest = Math.max(newest, gen);
    hasCurrent ||= gen === manifest.gen;
  }
  return { newest, hasCurrent };
}

/** A commit may have come between reading the manifest and listing: that is no fault, so the manifest is read again. */
async function refuseNewerRow(store: ObjectStore, newest: number, options: ReadOptions): Promise<void> {
  const again = await fetchManifest(store, options);
  if (again !== null && again.manifest.gen >= newest) return;
  throw new AuditBrokenError(newest, `audit row ${newest} is newer than the manifest: manifest rolled back`, {
    hint: "an older manifest was put back: look at who can write the bucket, then restore the newest manifest's version",
  });
}

function readRow(stored: StoredObject | null, vault: string, gen: number, link: Link): ParsedAuditRow {
  if (stored === null) throw brokenRow(gen, "is missing");
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw brokenRow(gen, "is larger than 1 MiB");
  if (link.sha256 !== undefined && sha256Hex(stored.bytes) !== link.sha256) {
    throw brokenRow(gen, "is not the one that was linked");
  }
  return parseAuditRow(stored.bytes, { vault, gen, signer: link.signer });
}

function checkAgainstManifest(text: string, manifest: Manifest): void {
  if (text !== auditRowText(auditRowOf(manifest))) {
    throw brokenRow(manifest.gen, "does not say what the manifest says");
  }
}
