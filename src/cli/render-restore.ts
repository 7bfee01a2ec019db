import { type Changes, isEmpty } from "../vault/changes.ts";
import type { Committed } from "../vault/commit.ts";
import type { Output } from "./output.ts";
import type { Prompter } from "./prompter.ts";
import { renderChanges, warnOfAuditFault } from "./render-changes.ts";

/** Shows what a restore would do, and asks where there is someone to ask. One that changes nothing writes nothing. */
export function confirmRestore(
  prompter: Prompter,
  output: Output,
  flags: { readonly gen: number; readonly yes: boolean },
) {
  return async (changes: Changes): Promise<boolean> => {
    renderChanges(changes, output);
    if (isEmpty(changes)) {
      output.say(`gen=${flags.gen} holds just what the vault holds now`);
      return false;
    }
    return flags.yes || !prompter.isInteractive || prompter.confirm(`Restore gen=${flags.gen}?`);
  };
}

export function renderRestored(
  committed: Committed | null,
  { gen, env }: { readonly gen: number; readonly env: string },
  output: Output,
): void {
  if (committed === null) return output.say("nothing was written");
  output.done(`Restored gen=${gen} of ${env} (gen=${committed.manifest.gen})`);
  warnOfAuditFault(committed, env, output);
}
