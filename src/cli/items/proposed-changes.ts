import type { TokenEffect } from "../../vault/commit/plan-tokens.ts";
import type { Committed, Proposal } from "../../vault/commit/proposal.ts";
import { type ChangePlan, type Changes, isEmpty } from "../../vault/items/changes.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type Consent, type ConsentFlags, consentTo, listed, requireConsent } from "../terminal/consent.ts";
import type { Output, Sign } from "../terminal/output.ts";

/** What to ask before changes are committed, or null to ask nothing. */
export type Asking = (changes: Changes) => Consent | null;

/**
 * Asks, for example, `Remove A and B from api/prod?`.
 *
 * @param otherwise what else to do if the user wants to keep the names
 */
export function beforeRemoving(config: LocalConfig, otherwise?: string): Asking {
  return ({ removed }) => {
    if (removed.length === 0) return null;
    return consentTo(config, "remove", `${listed(removed)} from ${config.repo}/${config.env}`, otherwise);
  };
}

/** Asks, for example, `Change A and remove B in api/prod?`. For content whose age is unknown. */
export function beforeReplacing(config: LocalConfig, otherwise: string): Asking {
  return ({ changed, removed }) => {
    if (changed.length === 0) return beforeRemoving(config, otherwise)({ changed, removed, added: [], unchanged: [] });
    const more = removed.length === 0 ? "" : ` and remove ${listed(removed)}`;
    const what = `${listed(changed)}${more} in ${config.repo}/${config.env}`;
    return consentTo(config, "change", what, otherwise);
  };
}

/** Shows the names that would change, asks, and commits. Null if nothing was written. */
export async function commitChanges(
  proposal: Proposal<ChangePlan>,
  asking: Asking,
  flags: ConsentFlags,
  { prompter, output }: SecretSources,
): Promise<Committed | null> {
  const { changes, tokens } = proposal.plan;
  renderChanges(changes, output);
  for (const effect of tokens) renderEffect(effect, output);
  if (flags["dry-run"]) return null;
  const consent = asking(changes);
  if (consent !== null) await requireConsent(consent, flags, prompter);
  return proposal.commit();
}

/** The outcome of a command that changes names. */
export interface Outcome {
  readonly config: LocalConfig;
  readonly plan: ChangePlan;
  /** Null if nothing was written. */
  readonly committed: Committed | null;
}

export interface OutcomeWords {
  /** What to say if nothing changes: `Nothing to push: prod already holds exactly this`. */
  readonly nothing: string;
  /** Such as `Pushed prod`. */
  readonly done: string;
}

/** The result for people, or with `--json` for programs: names, never values. */
export function renderOutcome(
  { config, plan: { changes, gen }, committed }: Outcome,
  { nothing, done }: OutcomeWords,
  { json }: { readonly json?: boolean },
  output: Output,
): void {
  const { added, changed, removed } = changes;
  const newest = committed?.manifest.gen ?? gen;
  if (json) output.json({ env: config.env, gen: newest, written: committed !== null, added, changed, removed });
  if (committed !== null) {
    output.done(`${done} (gen=${newest}): ${summarize(changes)}`);
    return warnOfAuditFault(committed, config, output);
  }
  if (isEmpty(changes)) return output.done(nothing);
  output.say(`would be ${summarize(changes)}; dry run: nothing was written`);
}

const SHOWN_NAMES = 50;

/** Names, never values. */
export function renderChanges(changes: Changes, output: Output): void {
  renderNames("+", "added", changes.added, output);
  renderNames("~", "changed", changes.changed, output);
  renderNames("-", "removed", changes.removed, output);
}

function renderNames(sign: Sign, what: string, names: readonly string[], output: Output): void {
  for (const name of names.slice(0, SHOWN_NAMES)) output.sayChange(sign, name);
  if (names.length > SHOWN_NAMES) output.say(`  ${sign} … ${names.length - SHOWN_NAMES} more ${what}`);
}

export function renderEffect({ id, name, gains, loses }: TokenEffect, output: Output): void {
  if (gains.length > 0) output.say(`  token ${name ?? id} gains ${listed(gains)}`);
  if (loses.length > 0) output.say(`  token ${name ?? id} loses ${listed(loses)}`);
}

/** `3 added, 1 removed` */
export function summarize({ added, changed, removed }: Changes): string {
  const parts = [
    [added.length, "added"],
    [changed.length, "changed"],
    [removed.length, "removed"],
  ] as const;
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ") || "no changes";
}

/** A warning only: the commit stands without its audit row. */
export function warnOfAuditFault({ manifest, auditFault }: Committed, config: LocalConfig, output: Output): void {
  if (auditFault === null) return;
  output.warn(
    `generation ${manifest.gen} is committed, its audit row is not written (${auditFault.message}): ` +
      `the next commit appends it, or run vsync audit reconcile ${vaultFlags(config)}`,
  );
}
