import * as v from "valibot";
import { parseCanonicalJson, type Refuse } from "../../canonical-json.ts";
import { decodeCheckedBase64 } from "../../crypto/base64.ts";
import { type Note, parseNote, signNote, verifyNoteAside } from "../../crypto/note.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { AuditBrokenError, VsyncError } from "../../errors.ts";
import { actorShape, bundleRefShape, type Manifest, noteName } from "./manifest.ts";
import { base64, checkFormat, count, exactly, instant, openObject, parseShape, sha256, text } from "./shape.ts";

const AUDIT_FORMAT = "vsync-audit-v1";

const rowShape = exactly({
  format: v.literal(AUDIT_FORMAT),
  vault: text,
  gen: count,
  prev_gen: count,
  at: instant,
  action: text,
  actor: actorShape,
  meta: openObject,
  note: v.exactOptional(text),
  bundle: bundleRefShape,
  signer: base64(32),
  prev_signer: v.exactOptional(base64(32)),
  prev: v.exactOptional(sha256),
});
/** An audit row under the names of its JSON (`docs/format.md` §6). */
export type AuditRow = v.InferOutput<typeof rowShape>;

/** The row of a generation. It depends only on the manifest, so every machine makes the same row. */
export function auditRowOf(manifest: Manifest): AuditRow {
  const { vault, gen, prev_gen, at, action, actor, meta, note, bundle, signer, prev_signer } = manifest;
  return {
    format: AUDIT_FORMAT,
    vault,
    gen,
    prev_gen,
    at,
    action,
    actor,
    meta,
    ...(note === undefined ? {} : { note }),
    bundle,
    signer,
    ...(prev_signer === undefined ? {} : { prev_signer }),
    ...(manifest.audit === undefined ? {} : { prev: manifest.audit.sha256 }),
  };
}

export function auditRowText(row: AuditRow): string {
  return `${JSON.stringify(row)}\n`;
}

/** The row's bytes, signed by the generation's signer. Ed25519 is deterministic: the same row gives the same bytes. */
export function encodeAuditRow(manifest: Manifest, key: SigningKey): Uint8Array {
  return signNote(auditRowText(auditRowOf(manifest)), noteName(manifest.vault), key);
}

/** The vault, number and signer that a row must have. */
export interface RowExpectation {
  readonly vault: string;
  readonly gen: number;
  /** Base64, as in the row. */
  readonly signer: string;
}

export interface ParsedAuditRow {
  readonly row: AuditRow;
  readonly note: Note;
}

/**
 * Checks one row by itself: form, vault, generation. `verifyAuditRow` checks its signature.
 *
 * @throws AuditBrokenError naming `expect.gen`
 */
export function parseAuditRow(bytes: Uint8Array, expect: RowExpectation): ParsedAuditRow {
  const refuse: Refuse = (fault) => brokenRow(expect.gen, fault);
  try {
    const note = parseNote(bytes, `audit row ${expect.gen}`);
    const value = parseCanonicalJson(note.text.slice(0, -1), refuse);
    checkFormat(value, AUDIT_FORMAT, `audit row ${expect.gen}`, refuse);
    const row = parseShape(rowShape, value, refuse);
    checkPlace(row, expect, refuse);
    return { row, note };
  } catch (error) {
    throw auditFault(expect.gen, error);
  }
}

/**
 * Runs on another thread, because a log may have thousands of rows.
 *
 * @throws AuditBrokenError the signature is wrong; names `gen`
 */
export async function verifyAuditRow({ note }: ParsedAuditRow, { vault, gen, signer }: RowExpectation): Promise<void> {
  try {
    await verifyNoteAside(note, noteName(vault), decodeCheckedBase64(signer), `audit row ${gen}`);
  } catch (error) {
    throw auditFault(gen, error);
  }
}

function checkPlace(row: AuditRow, expect: RowExpectation, refuse: Refuse): void {
  if (row.vault !== expect.vault) throw refuse("belongs to another vault");
  if (row.gen !== expect.gen || row.gen !== row.prev_gen + 1) throw refuse("belongs to another generation");
  if ((row.gen === 1) !== (row.prev === undefined)) throw refuse("has a wrong link to the row before it");
  if (row.signer !== expect.signer) throw refuse("names another signer");
}

export function brokenRow(gen: number, fault: string): AuditBrokenError {
  return new AuditBrokenError(gen, `audit row ${gen} ${fault}`, {
    hint: "vsync never rewrites rows: check who can write to the bucket, and its object versions if it keeps them",
  });
}

/** Turns errors of the note and format parsers, which know nothing of rows, into a fault of this row. */
function auditFault(gen: number, error: unknown): unknown {
  if (!(error instanceof VsyncError) || error instanceof AuditBrokenError) return error;
  return new AuditBrokenError(gen, error.message, error.hint === undefined ? {} : { hint: error.hint });
}
