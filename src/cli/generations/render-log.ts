import { systemClock } from "../../stores/open-store.ts";
import type { ReadAudit } from "../../vault/audit/chain.ts";
import type { AuditRow } from "../../vault/format/audit-row.ts";
import type { Actor } from "../../vault/format/manifest.ts";
import { relativeTime } from "../../vault/format/relative-time.ts";
import type { Generation, History } from "../../vault/generations/history.ts";
import { type Target, vaultFlags } from "../config/target.ts";
import { counted } from "../terminal/consent.ts";
import type { Column } from "../terminal/layout.ts";
import { csvRecord } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";

/** For people only. Programs get the time itself. */
const AGO = {
  head: "AGO",
  cell: ({ at }: { readonly at: string }): string => relativeTime(at, systemClock.nowMs()).replace(/ ago$/, ""),
};

const ROW_COLUMNS = [
  { head: "TIME", cell: ({ at }: AuditRow) => toSeconds(at) },
  AGO,
  { head: "ACTOR", cell: ({ actor }: AuditRow) => nameOf(actor) },
  { head: "ACTION", cell: ({ action }: AuditRow) => action },
  { head: "GEN", cell: ({ gen }: AuditRow) => String(gen), align: "right" },
  { head: "NOTE", cell: (row: AuditRow) => [tokenWords(row), row.note ?? ""].filter((it) => it !== "").join("; ") },
] as const;

/** The tokens that a row names, by the first digits of their ids: `tok_3c14d55d created`. */
function tokenWords({ action, meta }: AuditRow): string {
  const short = (id: unknown): string => String(id).slice(0, "tok_".length + 8);
  const tokens = Array.isArray(meta["tokens"]) ? meta["tokens"] : [];
  switch (action) {
    case "token-create":
    case "token-update":
      return `${short(meta["token"])} ${action === "token-create" ? "created" : "updated"}`;
    case "token-rotate":
      return tokens.map((it) => rotationWords({ ...(it as object) }, short)).join(", ");
    case "token-revoke":
      return `${tokens.map(short).join(", ")} revoked`;
    case "token-prune":
      return `${tokens.map(short).join(", ")} had expired`;
    default:
      return "";
  }
}

/**
 * Such as `tok_3c14d55d in place of tok_77c4a8e0 and tok_5e0f1a2b`: the new token, and all those that it ended or
 * limited.
 */
function rotationWords(
  { token, replaces, ended }: { readonly token?: unknown; readonly replaces?: unknown; readonly ended?: unknown },
  short: (id: unknown) => string,
): string {
  const others = Array.isArray(ended) ? ended : [];
  return `${short(token)} in place of ${[replaces, ...others].map(short).join(" and ")}`;
}

/** For people. Programs use `audit verify`. */
function signatures(rows: readonly AuditRow[]): string {
  const signers = new Set(rows.map(({ signer }) => signer)).size;
  const keys = signers === 1 ? "by one key" : `by ${signers} keys: each rotation draws another`;
  return `${counted(rows.length, "row")}, each signed and linked to the one before, ${keys}`;
}

const CSV_HEAD = ["time", "user", "host", "tool", "action", "gen", "note", "meta"];

/** Prints rows, oldest first, as a table, as CSV with a header, or as JSON (`docs/format.md` §6 lists the fields). */
export function renderAudit(
  audit: ReadAudit,
  target: Target,
  flags: { readonly json?: boolean; readonly csv?: boolean },
  output: Output,
): void {
  const { manifest, rows, outstanding } = audit;
  if (flags.json) output.json({ env: manifest.env, gen: manifest.gen, outstanding, rows });
  else if (flags.csv) for (const record of [CSV_HEAD, ...rows.map(csvFields)]) output.line(csvRecord(record));
  else {
    output.table(fitted(ROW_COLUMNS, output), rows);
    if (output.columns !== undefined) output.done(signatures(rows));
  }
  warnOfOutstanding(audit, target, output);
}

export function renderVerified(
  audit: ReadAudit,
  target: Target,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  const { manifest, rows, outstanding } = audit;
  if (flags.json) output.json({ env: manifest.env, gen: manifest.gen, verified: rows.length, outstanding });
  else output.done(`Audit chain of ${manifest.env} verified: ${counted(rows.length, "row")}, gen=${manifest.gen}`);
  warnOfOutstanding(audit, target, output);
}

function fitted<Row>(columns: readonly Column<Row>[], { columns: width }: Output): readonly Column<Row>[] {
  return width === undefined ? columns.filter(({ head }) => head !== AGO.head) : columns;
}

/** `2026-01-01T00:00:00Z` */
function toSeconds(instant: string): string {
  return instant.replace(/\.\d{3}Z$/, "Z");
}

function nameOf({ user, host }: Actor): string {
  return `${user}@${host}`;
}

function warnOfOutstanding({ outstanding }: ReadAudit, target: Target, output: Output): void {
  if (outstanding === null) return;
  output.warn(
    `the row of gen=${outstanding} is outstanding: the next commit appends it, ` +
      `or run vsync audit reconcile ${vaultFlags(target)}`,
  );
}

/** A line break in a field would break the line; `Output` shows it as an escape. */
function csvFields({ at, actor, action, gen, note, meta }: AuditRow): string[] {
  return [at, actor.user, actor.host, actor.tool, action, String(gen), note ?? "", JSON.stringify(meta)];
}

export function renderReconciled(
  gen: number,
  isAppended: boolean,
  env: string,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  if (flags.json) output.json({ env, gen, appended: isAppended });
  else output.done(isAppended ? `Audit row of gen=${gen} appended` : `Audit row of gen=${gen} exists: nothing to do`);
}

/** `+1 ~2 −0` */
function changesInShort({ added, changed, removed }: NonNullable<Generation["changes"]>): string {
  return `+${added.length} ~${changed.length} −${removed.length}`;
}

const GENERATION_COLUMNS = [
  { head: "GEN", cell: ({ gen }: Generation) => String(gen), align: "right" },
  { head: "WHEN", cell: ({ at }: Generation) => toSeconds(at) },
  AGO,
  { head: "WHO", cell: ({ actor }: Generation) => nameOf(actor) },
  { head: "ACTION", cell: ({ action }: Generation) => action },
  { head: "CHANGES", cell: ({ changes }: Generation) => (changes === null ? "" : changesInShort(changes)) },
  { head: "BUNDLE", cell: ({ bundle }: Generation) => bundle },
  { head: "NOTE", cell: ({ note }: Generation) => note ?? "" },
] as const;

export function renderHistory(
  { manifest, generations }: History,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  const named = generations.map(({ changes, ...generation }) => ({
    ...generation,
    ...(changes === null ? {} : { added: changes.added, changed: changes.changed, removed: changes.removed }),
  }));
  if (flags.json) output.json({ env: manifest.env, gen: manifest.gen, generations: named });
  else output.table(fitted(GENERATION_COLUMNS, output), generations);
}
