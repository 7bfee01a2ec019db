import { sha256Hex } from "../../crypto/digest.ts";
import { AuditBrokenError } from "../../errors.ts";
import type { ObjectStore, ReadOptions, StoredObject } from "../../ports.ts";
import {
  type AuditRow,
  auditRowOf,
  auditRowText,
  brokenRow,
  type ParsedAuditRow,
  parseAuditRow,
  type RowExpectation,
  verifyAuditRow,
} from "../format/audit-row.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import type { Manifest } from "../format/manifest.ts";
import { AUDIT_PREFIX, auditKey, generationOfAuditKey, LAST_AUDIT_KEY } from "../format/object-keys.ts";
import { fetchManifest, type OpenRequest, openManifest, type ReadPorts } from "../open/open-manifest.ts";

export interface VerifiedAudit {
  /** Newest first, down to `downTo`. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation if its row is still missing, else null. */
  readonly outstanding: number | null;
}

export interface VerifyOptions extends ReadOptions {
  /** The oldest generation whose row is verified. Default 1. */
  readonly downTo?: number;
}

/** What the row above, or the manifest, says about a row. */
interface Link {
  readonly sha256: string | undefined;
  readonly signer: string;
}

/**
 * Walks the audit rows back from the newest (`docs/format.md` §6). Each row must exist, match the digest in the row
 * above it (or in the manifest), and carry the signature of its generation's signer. The chain rests on `manifest`,
 * which the holder has proven.
 *
 * @throws AuditBrokenError the first fault on the way back; `row` is its generation
 */
export async function verifyAudit(
  store: ObjectStore,
  manifest: Manifest,
  options: VerifyOptions = {},
): Promise<VerifiedAudit> {
  const { newest, hasCurrent } = await listRows(store, manifest, options);
  if (newest > manifest.gen) await refuseNewerRow(store, newest, options);
  const rows: AuditRow[] = [];
  // The manifest and its own row both link to the row before, so the walk works whether or not that row exists yet.
  let link: Link = hasCurrent ? { sha256: undefined, signer: manifest.signer } : linkBelow(manifest);
  const downTo = Math.max(options.downTo ?? 1, 1);
  let gen = hasCurrent ? manifest.gen : manifest.prev_gen;
  const proofs: Promise<void>[] = [];
  try {
    for await (const stored of fetchRows(store, { newest: gen, downTo }, options)) {
      const expected = { vault: manifest.vault, gen, signer: link.signer };
      const parsed = readRow(stored, expected, link);
      const { row, note } = parsed;
      proofs.push(provesSoon(parsed, expected));
      if (gen === manifest.gen) checkAgainstManifest(note.text, manifest);
      await proofs.at(-1 - ROWS_AHEAD);
      rows.push(row);
      link = { sha256: row.prev, signer: row.prev_signer ?? row.signer };
      gen -= 1;
    }
  } finally {
    // Report a bad signature on a newer row before any fault in an older one.
    for (const proof of proofs) await proof;
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
  // List only rows from the manifest's generation on: the walk back finds gaps in the older ones.
  const startAfter = auditKey(manifest.prev_gen);
  for await (const key of store.list(AUDIT_PREFIX, { signal, startAfter })) {
    // A hostile store could go on listing keys beyond the last possible row for ever.
    if (key > LAST_AUDIT_KEY) break;
    const gen = generationOfAuditKey(key) ?? 0;
    newest = Math.max(newest, gen);
    hasCurrent ||= gen === manifest.gen;
  }
  return { newest, hasCurrent };
}

/** Another commit may land between reading the manifest and listing the rows, so this reads the manifest again. */
async function refuseNewerRow(store: ObjectStore, newest: number, options: ReadOptions): Promise<void> {
  const again = await fetchManifest(store, options);
  if (again !== null && again.manifest.gen >= newest) return;
  throw new AuditBrokenError(newest, `audit row ${newest} is newer than the manifest: manifest rolled back`, {
    hint: "somebody restored an older manifest: check who can write to the bucket, then restore the newest version of the manifest",
  });
}

function provesSoon(parsed: ParsedAuditRow, expected: RowExpectation): Promise<void> {
  const proof = verifyAuditRow(parsed, expected);
  proof.catch(() => {
    // Errors surface where this row is awaited.
  });
  return proof;
}

function readRow(stored: StoredObject | null, expected: RowExpectation, link: Link): ParsedAuditRow {
  const { gen } = expected;
  if (stored === null) throw brokenRow(gen, "is missing");
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw brokenRow(gen, "is larger than 1 MiB");
  if (link.sha256 !== undefined && sha256Hex(stored.bytes) !== link.sha256) {
    throw brokenRow(gen, "does not match the digest that links to it");
  }
  return parseAuditRow(stored.bytes, expected);
}

function checkAgainstManifest(text: string, manifest: Manifest): void {
  if (text !== auditRowText(auditRowOf(manifest))) {
    throw brokenRow(manifest.gen, "contradicts the manifest");
  }
}

/** One request at a time would take minutes for ten thousand rows. Each row takes at most 1 MiB of memory. */
const ROWS_AHEAD = 64;

export interface RowRange {
  readonly newest: number;
  readonly downTo: number;
}

/**
 * The audit rows as stored, newest first; null for a missing one. Requests up to `ROWS_AHEAD` rows in advance: an error
 * surfaces at its own row, and leaving the loop early aborts what is pending.
 */
async function* fetchRows(
  store: ObjectStore,
  { newest, downTo }: RowRange,
  { signal: given }: ReadOptions,
): AsyncGenerator<StoredObject | null, void> {
  const walk = new AbortController();
  const signal = given === undefined ? walk.signal : AbortSignal.any([walk.signal, given]);
  const ahead: Promise<StoredObject | null>[] = [];
  let next = newest;
  try {
    for (let gen = newest; gen >= downTo; gen--) {
      for (; next >= downTo && ahead.length < ROWS_AHEAD; next--) {
        const row = store.get(auditKey(next), { signal, maxBytes: MAX_MANIFEST_BYTES });
        row.catch(() => {
          // The loop may end before it awaits this row.
        });
        ahead.push(row);
      }
      yield (await ahead.shift()) ?? null;
    }
  } finally {
    walk.abort();
  }
}

export interface AuditRequest extends OpenRequest {
  /** How many of the newest generations to read. Default: all. */
  readonly tail?: number | undefined;
}

export interface ReadAudit {
  readonly manifest: Manifest;
  /** Oldest first. All are verified. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation if its row is still missing, else null. */
  readonly outstanding: number | null;
}

/**
 * Reads and verifies the newest audit rows. It neither lists nor fetches older ones.
 *
 * @throws AuditBrokenError the first fault on the way back; `row` is its generation
 * @throws what `openManifest` throws
 */
export async function readAudit(ports: ReadPorts, request: AuditRequest): Promise<ReadAudit> {
  const { manifest } = await openManifest(ports, request);
  const downTo = request.tail === undefined ? 1 : manifest.gen - request.tail + 1;
  const { rows, outstanding } = await verifyAudit(ports.store, manifest, { ...request, downTo });
  return { manifest, rows: rows.toReversed(), outstanding };
}
