import { isDirectoryStore } from "../../stores/open-store.ts";
import type { Committed, Proposal } from "../../vault/commit/proposal.ts";
import type { GcPlan, Stays } from "../../vault/gc.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { type ConsentFlags, requireConsent } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";

export interface GcFlags extends ConsentFlags {
  readonly json?: boolean | undefined;
  readonly repo?: string | undefined;
}

/** Asks, and removes. Null if nothing was removed: a dry run, or nothing to remove. */
export async function commitGc(
  proposal: Proposal<GcPlan>,
  config: LocalConfig,
  flags: ConsentFlags,
  { prompter, output }: { readonly prompter: Prompter; readonly output: Output },
): Promise<Committed | null> {
  const { keys, usage } = proposal.plan;
  if (flags["dry-run"] || keys.length + usage.length === 0) return null;
  if (keys.length > 0) output.say(`  - ${countOf({ keys, usage: [] })}, from ${keys[0]} to ${keys.at(-1)}`);
  if (usage.length > 0) output.say(`  - ${countOf({ keys: [], usage })} older than the settings keep`);
  const { repo, env } = config;
  const what = `${countOf(proposal.plan)} of ${repo}/${env}`;
  await requireConsent(
    {
      env,
      isProtected: config.isProtected === true,
      question: `Remove ${what}?`,
      refusal: `this would remove ${what}`,
    },
    flags,
    prompter,
  );
  return proposal.commit();
}

/** The keys on stdout: with `--dry-run` those that would go, else those that went. */
export function renderGc(
  plan: GcPlan,
  committed: Committed | null,
  config: LocalConfig,
  flags: GcFlags,
  output: Output,
): void {
  const { env } = config;
  const { stays } = plan;
  const keys = [...plan.keys, ...plan.usage];
  const removed = committed === null ? [] : keys;
  if (flags.json)
    output.json({ env, found: keys, removed, gen: committed?.manifest.gen ?? null, stays: staysJson(stays) });
  else for (const key of flags["dry-run"] ? keys : removed) output.line(key);
  output.say(whyBundlesStay(stays));
  if (keys.length === 0) return output.say("nothing to remove");
  if (committed === null) output.say(flags["dry-run"] ? dryRun(plan) : "nothing was removed");
  else output.done(`Removed ${countOf(plan)} of ${env} (gen=${committed.manifest.gen})`);
  output.say(whatStays(config));
  if (committed !== null) warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}

function staysJson({ kept, young, ahead, underWay, later }: Stays) {
  return { kept, young, ahead, under_way: underWay, later };
}

/** `3 bundles stay: 1 of the newest generations (--keep), 2 not older than --older-than` */
function whyBundlesStay({ kept, young, ahead, underWay, later }: Stays): string {
  const reasons = [
    [kept, "of the newest generations (--keep)"],
    [young - ahead, "not older than --older-than"],
    [ahead, "dated ahead of this machine's clock, which counts as new (--older-than=0s removes them)"],
    [underWay, "that a command under way may be writing"],
    [later, "for the next gc"],
  ] as const;
  const told = reasons.filter(([count]) => count > 0);
  const reason = told.length === 1 ? told[0]?.[1] : told.map((it) => it.join(" ")).join(", ");
  const count = kept + young + underWay + later;
  return `${count} ${count === 1 ? "bundle stays" : "bundles stay"}: ${reason}`;
}

function dryRun(plan: GcPlan): string {
  return `would remove ${countOf(plan)}; dry run: nothing was written`;
}

function countOf({ keys, usage }: Pick<GcPlan, "keys" | "usage">): string {
  const bundles = keys.length === 1 ? "1 bundle" : `${keys.length} bundles`;
  const objects = usage.length === 1 ? "1 object of usage" : `${usage.length} objects of usage`;
  if (usage.length === 0) return bundles;
  return keys.length === 0 ? objects : `${bundles} and ${objects}`;
}

function whatStays(location: { readonly endpoint: string }): string {
  if (isDirectoryStore(location)) return "backups and snapshots of the directory keep what gc removes";
  return (
    "a versioned bucket keeps old versions of what gc removes, and of the manifest: " +
    "a lifecycle rule with NoncurrentVersionExpiration on the prefix expires them"
  );
}
