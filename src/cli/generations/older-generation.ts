import type { Committed } from "../../vault/commit/proposal.ts";
import { type ChangePlan, isEmpty } from "../../vault/items/changes.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { type Asking, warnOfAuditFault } from "../items/proposed-changes.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";

/** A restore asks even if it removes no names, because it undoes everything that came after. */
export function beforeRestoring({ repo, env, isProtected = false }: LocalConfig, gen: number): Asking {
  return (changes) => {
    if (isEmpty(changes)) return null;
    const { added, changed, removed } = changes;
    const parts = [
      ["add", added],
      ["change", changed],
      ["remove", removed],
    ] as const;
    const what = parts.flatMap(([verb, names]) => (names.length === 0 ? [] : [`${verb} ${listed(names)}`])).join(", ");
    return {
      env,
      isProtected,
      question: `Restore gen=${gen} of ${repo}/${env}?`,
      refusal: `restoring gen=${gen} of ${repo}/${env} would ${what}`,
    };
  };
}

export function renderRestored(
  { changes }: ChangePlan,
  committed: Committed | null,
  config: LocalConfig,
  flags: { readonly gen: number; readonly json: boolean },
  output: Output,
): void {
  const { env } = config;
  if (flags.json) {
    const { added, changed, removed } = changes;
    const gen = committed?.manifest.gen ?? null;
    output.json({ env, from_gen: flags.gen, gen, written: committed !== null, added, changed, removed });
  }
  if (isEmpty(changes)) output.say(`gen=${flags.gen} has the same content as the vault now`);
  if (committed === null) return output.say("nothing was written");
  output.done(`Restored gen=${flags.gen} of ${env} (gen=${committed.manifest.gen})`);
  warnOfAuditFault(committed, config, output);
}
