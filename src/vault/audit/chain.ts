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
  /** Newest first, down to the requested one. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation if its row is outstanding, else null. */
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
 * Walks the audit rows back from the newest: each exists, is the one that the row above (or the manifest) names, and is
 * signed by the signer of its time. The chain rests on `manifest`, which a passphrase has proven.
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
  // The manifest names the row of the generation before, and so does its own row, if it exists.
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
    // The signature of a newer row is judged before any fault of an older one.
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
  // Lists only rows as new as the manifest: the walk back notices by itself which older rows are missing.
  const startAfter = auditKey(manifest.prev_gen);
  for await (const key of store.list(AUDIT_PREFIX, { signal, startAfter })) {
    // A hostile store may list keys for ever after the last one that a row can have.
    if (key > LAST_AUDIT_KEY) break;
    const gen = generationOfAuditKey(key) ?? 0;
    newest = Math.max(newest, gen);
    hasCurrent ||= gen === manifest.gen;
  }
  return { newest, hasCurrent };
}

/** A commit may have happened between reading the manifest and listing, so this reads the manifest again. */
async function refuseNewerRow(store: ObjectStore, newest: number, options: ReadOptions): Promise<void> {
  const again = await fetchManifest(store, options);
  if (again !== null && again.manifest.gen >= newest) return;
  throw new AuditBrokenError(newest, `audit row ${newest} is newer than the manifest: manifest rolled back`, {
    hint: "an older manifest was put back: look at who can write the bucket, then restore the newest manifest's version",
  });
}

function provesSoon(parsed: ParsedAuditRow, expected: RowExpectation): Promise<void> {
  const proof = verifyAuditRow(parsed, expected);
  proof.catch(() => {
    // Surfaces when its row's turn comes.
  });
  return proof;
}

function readRow(stored: StoredObject | null, expected: RowExpectation, link: Link): ParsedAuditRow {
  const { gen } = expected;
  if (stored === null) throw brokenRow(gen, "is missing");
  if (stored.bytes.length > MAX_MANIFEST_BYTES) throw brokenRow(gen, "is larger than 1 MiB");
  if (link.sha256 !== undefined && sha256Hex(stored.bytes) !== link.sha256) {
    throw brokenRow(gen, "is not the one that was linked");
  }
  return parseAuditRow(stored.bytes, expected);
}

function checkAgainstManifest(text: string, manifest: Manifest): void {
  if (text !== auditRowText(auditRowOf(manifest))) {
    throw brokenRow(manifest.gen, "does not say what the manifest says");
  }
}

/** Requests in sequence would take minutes for ten thousand rows. Keeps at most 1 MiB of each. */
const ROWS_AHEAD = 64;

export interface RowRange {
  readonly newest: number;
  readonly downTo: number;
}

/**
 * The audit rows as stored, newest first, null for a missing one. Requests some rows ahead: an error surfaces when its row's
 * turn comes, and ending the walk early aborts the pending requests.
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
          // Its turn may never come.
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
  /** The number of newest generations; default: all. */
  readonly tail?: number | undefined;
}

export interface ReadAudit {
  readonly manifest: Manifest;
  /** Oldest first, all verified. */
  readonly rows: readonly AuditRow[];
  /** The manifest's own generation if its row is outstanding, else null. */
  readonly outstanding: number | null;
}

/**
 * The newest audit rows, verified from the newest back. Older rows are neither listed nor fetched.
 *
 * @throws AuditBrokenError the first fault on the way back, with its `row`
 * @throws what `openManifest` throws
 */
export async function readAudit(ports: ReadPorts, request: AuditRequest): Promise<ReadAudit> {
  const { manifest } = await openManifest(ports, request);
  const downTo = request.tail === undefined ? 1 : manifest.gen - request.tail + 1;
  const { rows, outstanding } = await verifyAudit(ports.store, manifest, { ...request, downTo });
  return { manifest, rows: rows.toReversed(), outstanding };
}
