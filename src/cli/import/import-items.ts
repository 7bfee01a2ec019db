import type { Changes, NamedData } from "../../vault/changes.ts";
import { pushItems } from "../../vault/push.ts";
import type { SetResult } from "../../vault/set-items.ts";
import { renderChanges } from "../items/render-changes.ts";
import { confirmRemoval } from "../items/render-push.ts";
import { setInVault } from "../items/set-in-vault.ts";
import { identityOf, type Session } from "../session.ts";
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
