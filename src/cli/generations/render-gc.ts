import type { Collected } from "../../vault/gc.ts";
import { warnOfAuditFault } from "../items/render-changes.ts";
import { isFileStore } from "../stores.ts";
import { type ConfirmationFlags } from "../terminal/confirmation.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";

export interface GcFlags extends ConfirmationFlags {
  readonly json?: boolean | undefined;
}

/** What a gc found, told on stdout in the end: the keys that would go where it was a rehearsal, else those that went. */
export interface GcReport {
  readonly env: string;
  readonly endpoint: string;
  readonly found: readonly string[];
  readonly collected: Collected | null;
}

/** Notes what would go, and asks where there is someone to ask. */
export function confirmGc(prompter: Prompter, flags: ConfirmationFlags, note: (keys: readonly string[]) => void) {
  return async (keys: readonly string[]): Promise<boolean> => {
    note(keys);
    if (flags["dry-run"]) return false;
    return flags.yes || prompter.confirm(`Remove ${countOf(keys)}, from ${keys[0]} to ${keys.at(-1)}?`);
  };
}

export function renderGc(report: GcReport, flags: GcFlags, output: Output): void {
  const { env, found, collected } = report;
  const removed = collected?.removed ?? [];
  if (flags.json) output.json({ env, found, removed, gen: collected?.committed.manifest.gen ?? null });
  else for (const key of flags["dry-run"] ? found : removed) output.line(key);
  if (found.length === 0) return output.say("there is nothing to remove");
  if (collected === null) output.say(flags["dry-run"] ? dryRun(found) : "nothing was removed");
  else output.done(`Removed ${countOf(removed)} of ${env} (gen=${collected.committed.manifest.gen})`);
  output.say(whatStays(report));
  if (collected !== null) warnOfAuditFault(collected.committed, env, output);
}

function dryRun(found: readonly string[]): string {
  return `would remove ${countOf(found)}; dry run: nothing was written`;
}

function countOf({ length }: readonly string[]): string {
  return length === 1 ? "1 bundle" : `${length} bundles`;
}

function whatStays(location: { readonly endpoint: string }): string {
  if (isFileStore(location)) return "backups and snapshots of the directory keep what gc removes";
  return (
    "a versioned bucket keeps old versions of what gc removes, and of the manifest: " +
    "a lifecycle rule with NoncurrentVersionExpiration on the prefix expires them"
  );
}
