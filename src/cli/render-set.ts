import type { SetResult } from "../vault/set-items.ts";
import type { Output } from "./output.ts";
import { renderChanges, summarize, warnOfAuditFault } from "./render-changes.ts";

export function renderSet({ changes, committed }: SetResult, env: string, output: Output): void {
  if (committed === null) return output.done(`Nothing to set: ${env} holds just this`);
  renderChanges(changes, output);
  output.done(`Updated ${env} (gen=${committed.manifest.gen}): ${summarize(changes)}`);
  warnOfAuditFault(committed, env, output);
}
