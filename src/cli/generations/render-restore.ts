import { type Changes, isEmpty } from "../../vault/changes.ts";
import type { Committed } from "../../vault/commit.ts";
import { renderChanges, warnOfAuditFault } from "../items/render-changes.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";

/** Shows what a restore would do, and asks where there is someone to ask. One that changes nothing writes nothing. */
export function confirmRestore(
  prompter: Prompter,
  output: Output,
  flags: { readonly gen: number; readonly yes: boolean },
  note: (changes: Changes) => void,
) {
  return async (changes: Changes): Promise<boolean> => {
    note(changes);
    renderChanges(changes, output);
    if (isEmpty(changes)) {
      output.say(`gen=${flags.gen} holds just what the vault holds now`);
      return false;
    }
    return flags.yes || !prompter.isInteractive || prompter.confirm(`Restore gen=${flags.gen}?`);
  };
}

export interface RestoreReport {
  readonly env: string;
  /** What was to be restored. */
  readonly gen: number;
  readonly json: boolean;
  readonly changes: Changes;
}

export function renderRestored(
  committed: Committed | null,
  { gen, env, json, changes }: RestoreReport,
  output: Output,
): void {
  if (json) {
    const { added, changed, removed } = changes;
    const newGen = committed?.manifest.gen ?? null;
    output.json({ env, from_gen: gen, gen: newGen, written: committed !== null, added, changed, removed });
  }
  if (committed === null) return output.say("nothing was written");
  output.done(`Restored gen=${gen} of ${env} (gen=${committed.manifest.gen})`);
  warnOfAuditFault(committed, env, output);
}
