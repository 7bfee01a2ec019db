import { isDirectoryStore } from "../../stores/open-store.ts";
import type { Collected } from "../../vault/gc.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { warnOfAuditFault } from "../items/render-changes.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";
import { type ConfirmationFlags } from "../terminal/prompter.ts";

export interface GcFlags extends ConfirmationFlags {
  readonly json?: boolean | undefined;
  readonly repo?: string | undefined;
}

/** Asks before bundles are removed; a dry run never goes on. */
export function confirmGc(prompter: Prompter, flags: ConfirmationFlags) {
  return async (keys: readonly string[]): Promise<boolean> => {
    if (flags["dry-run"]) return false;
    return flags.yes || prompter.confirm(`Remove ${countOf(keys)}, from ${keys[0]} to ${keys.at(-1)}?`);
  };
}

/** The keys on stdout: those that would go where it was a dry run, else those that went. */
export function renderGc({ keys, committed }: Collected, config: LocalConfig, flags: GcFlags, output: Output): void {
  const { env } = config;
  const removed = committed === null ? [] : keys;
  if (flags.json) output.json({ env, found: keys, removed, gen: committed?.manifest.gen ?? null });
  else for (const key of flags["dry-run"] ? keys : removed) output.line(key);
  if (keys.length === 0) return output.say("there is nothing to remove");
  if (committed === null) output.say(flags["dry-run"] ? dryRun(keys) : "nothing was removed");
  else output.done(`Removed ${countOf(removed)} of ${env} (gen=${committed.manifest.gen})`);
  output.say(whatStays(config));
  if (committed !== null) warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}

function dryRun(found: readonly string[]): string {
  return `would remove ${countOf(found)}; dry run: nothing was written`;
}

function countOf({ length }: readonly string[]): string {
  return length === 1 ? "1 bundle" : `${length} bundles`;
}

function whatStays(location: { readonly endpoint: string }): string {
  if (isDirectoryStore(location)) return "backups and snapshots of the directory keep what gc removes";
  return (
    "a versioned bucket keeps old versions of what gc removes, and of the manifest: " +
    "a lifecycle rule with NoncurrentVersionExpiration on the prefix expires them"
  );
}
