import { type Changes, isEmpty, type NamedData } from "../../vault/changes.ts";
import { pushItems } from "../../vault/push.ts";
import type { SetResult } from "../../vault/set.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import { renderChanges, renderChangesJson, summarize, warnOfAuditFault } from "../items/render-changes.ts";
import { confirmRemoval } from "../items/render-push.ts";
import { setInVault } from "../items/set-in-vault.ts";
import { identityOf, type Session } from "../session/session.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";

export interface ImportPlan {
  readonly replace: boolean;
  readonly yes: boolean;
  readonly "dry-run": boolean;
}

/** Shows the names, never values; no where nothing is to be written, or somebody says no. */
export function confirmImport(plan: ImportPlan, prompter: Prompter, output: Output) {
  if (!plan["dry-run"]) return confirmRemoval(prompter, output, plan);
  return async (changes: Changes): Promise<boolean> => {
    renderChanges(changes, output);
    return false;
  };
}

/** Adds and changes items in one commit, or makes them the whole content. The first import makes the vault. */
export async function importItems(
  session: Session,
  items: readonly NamedData[],
  { replace }: ImportPlan,
  confirm: (changes: Changes) => Promise<boolean>,
): Promise<SetResult> {
  if (!replace) return setInVault(session, items, confirm);
  const { ports, request, config } = session;
  const result = await pushItems(ports, { ...request, identity: identityOf(config), items, confirm });
  const { changes } = result;
  if (result.kind !== "pushed") return { changes, committed: null, gen: result.gen };
  return { changes, committed: result.committed, gen: result.committed.manifest.gen };
}

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
