import { isDirectoryStore } from "../../stores/open-store.ts";
import type { Committed, Proposal } from "../../vault/commit/proposal.ts";
import type { AuditRow } from "../../vault/format/audit-row.ts";
import type { GcPlan, Stays } from "../../vault/generations/gc.ts";
import type { LocalConfig } from "../config/local-config.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { type ConsentFlags, consentTo, counted, requireConsent } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";

/** Asks, then removes. Null if nothing was removed: a dry run, or nothing to remove. */
export async function commitGc(
  proposal: Proposal<GcPlan>,
  config: LocalConfig,
  flags: ConsentFlags,
  { prompter, output }: SecretSources,
): Promise<Committed | null> {
  const { keys, usage, generations } = proposal.plan;
  if (flags["dry-run"] || keys.length + usage.length === 0) return null;
  if (keys.length > 0) output.say(`  - ${countOf({ keys, usage: [] })}${spanOf(generations)}`);
  if (usage.length > 0) output.say(`  - ${countOf({ keys: [], usage })} older than the settings keep`);
  const what = `${countOf(proposal.plan)} of ${config.repo}/${config.env}`;
  await requireConsent(consentTo(config, "remove", what), flags, prompter);
  return proposal.commit();
}

/** Such as `, of gen 1 (30 Nov 00:51) to gen 4 (30 Nov 02:10)`. */
function spanOf(generations: readonly AuditRow[]): string {
  const [first, last] = [generations[0], generations.at(-1)];
  if (first === undefined || last === undefined) return " that belong to no generation";
  const shown = ({ gen, at }: AuditRow): string => `gen ${gen} (${shortTime(at)})`;
  return first === last ? `, of ${shown(first)}` : `, of ${shown(first)} to ${shown(last)}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Such as `30 Nov 2026 00:51`, in UTC like every time in an audit row. */
function shortTime(at: string): string {
  return `${Number(at.slice(8, 10))} ${MONTHS[Number(at.slice(5, 7)) - 1]} ${at.slice(0, 4)} ${at.slice(11, 16)}`;
}

/** Such as `gen 1  30 Nov 2026 00:51  push`. A bundle left by an interrupted commit shows only its key. */
function renderRemovals({ keys, usage, generations }: GcPlan, output: Output): void {
  const rowOf = new Map(generations.map((row) => [row.bundle.key, row]));
  const rows = [...keys, ...usage].map((key) => {
    const row = rowOf.get(key);
    return row === undefined
      ? { gen: key.startsWith("v=") ? "left over" : "usage", at: "", action: key }
      : { gen: `gen ${row.gen}`, at: shortTime(row.at), action: row.action };
  });
  output.table(
    [
      { head: "GENERATION", cell: ({ gen }) => gen },
      { head: "TIME (UTC)", cell: ({ at }) => at },
      { head: "ACTION", cell: ({ action }) => action },
    ],
    rows,
  );
}

/** Prints on stdout the generations that were removed, or with `--dry-run` would be. */
export function renderGc(
  plan: GcPlan,
  committed: Committed | null,
  config: LocalConfig,
  flags: { readonly json?: boolean; readonly "dry-run"?: boolean },
  output: Output,
): void {
  const { env } = config;
  const { generations, stays } = plan;
  const keys = [...plan.keys, ...plan.usage];
  const removed = committed === null ? [] : keys;
  if (flags.json)
    output.json({
      env,
      found: keys,
      removed,
      generations: generations.map(({ gen }) => gen),
      gen: committed?.manifest.gen ?? null,
      stays: staysJson(stays),
    });
  else if (keys.length > 0 && (flags["dry-run"] || committed !== null)) renderRemovals(plan, output);
  output.say(whyBundlesStay(stays));
  if (keys.length === 0) return output.say("nothing to remove");
  if (committed === null) output.say(flags["dry-run"] ? dryRun(plan) : "nothing was removed");
  else output.done(`Removed ${countOf(plan)} of ${env} (gen=${committed.manifest.gen})`);
  output.say(whatStays(config));
  if (committed !== null) warnOfAuditFault(committed, config, output);
}

function staysJson({ kept, young, ahead, underWay, later }: Stays) {
  return { kept, young, ahead, under_way: underWay, later };
}

/** Such as `3 bundles stay: 1 of the newest generations (--keep), 2 not older than --older-than`. */
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
  return `${counted(kept + young + underWay + later, "bundle stays", "bundles stay")}: ${reason}`;
}

function dryRun(plan: GcPlan): string {
  return `would remove ${countOf(plan)}; dry run: nothing was written`;
}

function countOf({ keys, usage }: Pick<GcPlan, "keys" | "usage">): string {
  const bundles = counted(keys.length, "bundle");
  const objects = counted(usage.length, "object of usage", "objects of usage");
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
