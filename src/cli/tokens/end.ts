import { InputError } from "../../errors.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { Committed } from "../../vault/commit/proposal.ts";
import type { TokenPrunePlan, TokenRevokePlan } from "../../vault/tokens/end.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { labelOf, shortly } from "./render-token.ts";

interface JsonFlag {
  readonly json?: boolean | undefined;
}

/**
 * @throws InputError `--yes` is missing; it does not ask, even on a terminal, because revoking cannot be undone
 */
export function requireYes(
  { yes }: { readonly yes?: boolean | undefined },
  words: readonly string[],
  once = "the holders have another token",
): void {
  if (yes) return;
  throw new InputError(`this would revoke ${listed(words)} for good: nothing was written`, {
    hint: `give --yes, once ${once}`,
  });
}

export function renderRevoked(
  { revoked, planted, gatewayKeys, gen }: TokenRevokePlan,
  committed: Committed | null,
  config: LocalConfig,
  { json }: JsonFlag,
  output: Output,
): void {
  const ids = [...revoked.map(({ id }) => id), ...planted];
  if (json)
    output.json({ env: config.env, gen: committed?.manifest.gen ?? gen, revoked: committed === null ? [] : ids });
  if (committed === null) return output.done("They were revoked before: nothing to do");
  for (const token of revoked) output.done(`${labelOf(token)} of ${config.env} revoked: ${shortly(token)}`);
  for (const id of planted) output.done(`Slot ${id} of ${config.env} ended; no operator had made it`);
  const [holder, it] = ids.length === 1 ? ["its holder", "it"] : ["their holders", "them"];
  output.say(
    `${holder} can still read generations up to ${gen}, until vsync gc ${vaultArgs(config)} --keep=1 --older-than=0s`,
  );
  const read = [...new Set(revoked.flatMap(({ reads }) => reads.names))];
  if (read.length > 0) output.say(`if you do not trust ${holder}, change what they have read: ${listed(read)}`);
  if (!isDirectoryStore(config)) output.say("the bucket key in a token still works: revoke it in IAM");
  for (const { kid, not_after = "" } of gatewayKeys) {
    const end = Date.parse(not_after) > Date.parse(committed.manifest.at) ? `verifies until ${not_after}` : "has ended";
    output.say(`the gateway key ${kid} ${end}, and a new one replaces it`);
  }
  output.say(`access tokens signed with ${it} stop working everywhere within a minute`);
  warnOfAuditFault(committed, config, output);
}

export function renderPruned(
  { expired, gen }: TokenPrunePlan,
  committed: Committed | null,
  config: LocalConfig,
  { json }: JsonFlag,
  output: Output,
): void {
  const ids = expired.map(({ id }) => id);
  if (json) output.json({ env: config.env, gen: committed?.manifest.gen ?? gen, pruned: ids });
  if (committed === null) return output.done(`No expired token has a key in ${config.env}: nothing to prune`);
  for (const token of expired) output.done(`${labelOf(token)} of ${config.env} has no key any more: ${shortly(token)}`);
  warnOfAuditFault(committed, config, output);
}
