import type { Changes } from "../../vault/changes.ts";
import type { PushResult } from "../../vault/push.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";
import { renderChanges, renderChangesJson, summarize, warnOfAuditFault } from "./render-changes.ts";

/** Asks before a push that removes something, where there is someone to ask. */
export function confirmRemoval(prompter: Prompter, output: Output, options: { readonly yes: boolean }) {
  return async (changes: Changes): Promise<boolean> => {
    renderChanges(changes, output);
    if (changes.removed.length === 0 || options.yes || !prompter.isInteractive) return true;
    return prompter.confirm(`Remove ${changes.removed.length} of the vault's names?`);
  };
}

export function renderPush(
  result: PushResult,
  env: string,
  flags: { readonly json?: boolean; readonly repo?: string | undefined },
  output: Output,
): void {
  if (flags.json) renderPushJson(result, env, output);
  switch (result.kind) {
    case "unchanged":
      output.done(`Nothing to push: ${env} already holds exactly this (gen=${result.gen})`);
      return;
    case "declined":
      output.say("nothing was written");
      return;
    case "pushed":
      output.done(`Pushed ${env} (gen=${result.committed.manifest.gen}): ${summarize(result.changes)}`);
      warnOfAuditFault(result.committed, vaultFlagsOf(env, flags), output);
      return;
    default:
      result satisfies never;
  }
}

function renderPushJson(result: PushResult, env: string, output: Output): void {
  const written = result.kind === "pushed";
  const gen = written ? result.committed.manifest.gen : result.gen;
  renderChangesJson({ env, gen, written, changes: result.changes }, output);
}
