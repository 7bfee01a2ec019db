import { isEmpty } from "../../vault/changes.ts";
import type { SetResult } from "../../vault/set-items.ts";
import { renderChangesJson, summarize, warnOfAuditFault } from "../items/render-changes.ts";
import { vaultFlagsOf } from "../program/vault-flags.ts";
import type { Output } from "../terminal/output.ts";

/** The names have been shown before the commit. */
export function renderImport(
  { changes, committed, gen }: SetResult,
  env: string,
  flags: { readonly json: boolean; readonly "dry-run": boolean; readonly repo?: string | undefined },
  output: Output,
): void {
  if (flags.json) renderChangesJson({ env, gen, written: committed !== null, changes }, output);
  if (isEmpty(changes)) return output.done(`Nothing to import: ${env} already holds exactly this (gen=${gen})`);
  if (committed === null) {
    return output.say(
      flags["dry-run"] ? `would be ${summarize(changes)}; dry run: nothing was written` : "nothing was written",
    );
  }
  output.done(`Imported into ${env} (gen=${gen}): ${summarize(changes)}`);
  warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}
