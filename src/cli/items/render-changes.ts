import type { Changes } from "../../vault/changes.ts";
import type { Committed } from "../../vault/commit/commit.ts";
import type { Output } from "../terminal/output.ts";

const SHOWN_NAMES = 50;

/** Names, never values. */
export function renderChanges(changes: Changes, output: Output): void {
  renderNames("+", "added", changes.added, output);
  renderNames("~", "changed", changes.changed, output);
  renderNames("-", "removed", changes.removed, output);
}

function renderNames(sign: string, what: string, names: readonly string[], output: Output): void {
  for (const name of names.slice(0, SHOWN_NAMES)) output.say(`  ${sign} ${name}`);
  if (names.length > SHOWN_NAMES) output.say(`  ${sign} … ${names.length - SHOWN_NAMES} more ${what}`);
}

/** `3 added, 1 removed` */
export function summarize({ added, changed, removed }: Changes): string {
  const parts = [
    [added.length, "added"],
    [changed.length, "changed"],
    [removed.length, "removed"],
  ] as const;
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ") || "no changes";
}

/** What became of a vault, for programs: names, never values. `gen` is the newest generation, whoever made it. */
export interface ChangesReport {
  readonly env: string;
  readonly gen: number;
  readonly written: boolean;
  readonly changes: Changes;
}

export function renderChangesJson({ env, gen, written, changes }: ChangesReport, output: Output): void {
  const { added, changed, removed } = changes;
  output.json({ env, gen, written, added, changed, removed });
}

/** A commit stands, whatever became of its audit row; then its fault is a warning. */
export function warnOfAuditFault({ manifest, auditFault }: Committed, vaultFlags: string, output: Output): void {
  if (auditFault === null) return;
  output.warn(
    `generation ${manifest.gen} is committed, its audit row is not written (${auditFault.message}): ` +
      `the next commit appends it, or run vsync audit reconcile ${vaultFlags}`,
  );
}
