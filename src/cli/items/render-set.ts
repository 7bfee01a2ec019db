import type { SetResult } from "../../vault/set.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { Output } from "../terminal/output.ts";
import { renderChanges, renderChangesJson, summarize, warnOfAuditFault } from "./render-changes.ts";

export function renderSet(
  { changes, committed, gen }: SetResult,
  env: string,
  flags: { readonly json?: boolean; readonly repo?: string | undefined },
  output: Output,
): void {
  if (flags.json) renderChangesJson({ env, gen, written: committed !== null, changes }, output);
  if (committed === null) return output.done(`Nothing to set: ${env} already holds exactly this`);
  renderChanges(changes, output);
  output.done(`Updated ${env} (gen=${gen}): ${summarize(changes)}`);
  warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}
