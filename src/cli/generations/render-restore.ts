import { type Changes, isEmpty } from "../../vault/changes.ts";
import type { Restored } from "../../vault/restore.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import { renderChanges, warnOfAuditFault } from "../items/render-changes.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";

/** Shows what a restore would do, and asks where there is someone to ask. One that changes nothing writes nothing. */
export function confirmRestore(
  prompter: Prompter,
  output: Output,
  flags: { readonly gen: number; readonly yes: boolean },
) {
  return async (changes: Changes): Promise<boolean> => {
    renderChanges(changes, output);
    if (isEmpty(changes)) {
      output.say(`gen=${flags.gen} has the same content as the vault now`);
      return false;
    }
    return flags.yes || !prompter.isInteractive || prompter.confirm(`Restore gen=${flags.gen}?`);
  };
}

export function renderRestored(
  { changes, committed }: Restored,
  env: string,
  flags: { readonly gen: number; readonly json: boolean; readonly repo?: string | undefined },
  output: Output,
): void {
  if (flags.json) {
    const { added, changed, removed } = changes;
    const gen = committed?.manifest.gen ?? null;
    output.json({ env, from_gen: flags.gen, gen, written: committed !== null, added, changed, removed });
  }
  if (committed === null) return output.say("nothing was written");
  output.done(`Restored gen=${flags.gen} of ${env} (gen=${committed.manifest.gen})`);
  warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}
