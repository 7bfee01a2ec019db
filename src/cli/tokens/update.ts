import { InputError } from "../../errors.ts";
import { systemClock } from "../../stores/open-store.ts";
import type { GivenClaims } from "../../vault/tokens/create.ts";
import { proposeTokenUpdate, type TokenUpdatePlan } from "../../vault/tokens/update.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import { type ConsentFlags, consentTo, listed, requireConsent } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { tokenJson } from "./list.ts";
import { labelOf, nameOf, readsInWords, shortly } from "./render-token.ts";
import { CLAIM_FLAGS, type ClaimFlags, claimsChange, endAfter, warnOfPatterns } from "./rights/claim-flags.ts";
import { unknownNames } from "./rights/name-filters.ts";

export interface TokenUpdateInput extends SessionInput {
  readonly flags: SessionInput["flags"] &
    ClaimFlags & { readonly [Name in "yes" | "json" | "dry-run"]?: boolean | undefined };
}

/**
 * Changes a token's claims. Shows what the token gains and loses, and asks if it gains anything.
 *
 * @throws InputError no flag says what to change, or the user declines
 * @throws what `proposeTokenUpdate` and `commit` throw
 */
export async function updateToken(input: TokenUpdateInput, word: string, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const { output } = sources;
  const change = await changeOf(flags);
  using session = await openSession(input, sources);
  const { config } = session;
  using proposal = await proposeTokenUpdate(session.ports, { ...session.request, token: word, change });
  const { plan } = proposal;
  warnOfPatterns(plan.after.claims, output);
  const names = unknownNames(flags, plan.names);
  for (const name of names) output.warn(`${config.env} has no ${JSON.stringify(name)} yet`);
  renderDifference(plan, output);
  if (flags["dry-run"]) {
    await proposal.rehearse();
    return renderRehearsal(plan, config.env, flags, output);
  }
  if (plan.gains.length > 0) await requireGift(plan, config.env, flags, sources);
  const committed = await proposal.commit();
  if (flags.json) output.json({ env: config.env, written: committed !== null, ...planJson(plan) });
  if (committed === null) return output.done(`${labelOf(plan.after)} has these claims already: nothing to do`);
  output.done(
    `${labelOf(plan.after)} of ${config.env} updated (gen=${committed.manifest.gen}): ${shortly(plan.after)}`,
  );
  output.say(`reads ${readsInWords(plan.after.reads)}`);
  warnOfAuditFault(committed, config, output);
  await session.remember(committed.manifest);
}

async function changeOf({ expires, ...flags }: ClaimFlags): Promise<(claims: GivenClaims) => GivenClaims> {
  const isGiven = Object.keys(CLAIM_FLAGS).some(
    (name) => ({ expires, ...flags })[name as keyof ClaimFlags] !== undefined,
  );
  if (!isGiven)
    throw new InputError("nothing to change", { hint: "give a flag, as in --only or --expires: see --help" });
  const change = await claimsChange(flags);
  if (expires === undefined) return change;
  const end = endAfter(expires, systemClock.nowMs());
  return (claims) => {
    const { not_after: _before, ...others } = change(claims);
    return end === null ? others : { ...others, not_after: end };
  };
}

function planJson({ after, gains, loses }: TokenUpdatePlan) {
  return { ...tokenJson(after), gains, loses };
}

function renderRehearsal(
  plan: TokenUpdatePlan,
  env: string,
  { json }: { readonly json?: boolean | undefined },
  output: Output,
): void {
  if (json) output.json({ env, written: false, ...planJson(plan) });
  const what = plan.isChanged ? "would be updated: nothing was written" : "has these claims already";
  output.done(`${labelOf(plan.after)} of ${env} ${what}`);
  output.say(`it would read ${readsInWords(plan.after.reads)}`);
}

function renderDifference({ gains, loses }: TokenUpdatePlan, output: Output): void {
  for (const name of gains) output.say(`  + ${name}`);
  for (const name of loses) output.say(`  - ${name}`);
}

async function requireGift(
  { after, gains }: TokenUpdatePlan,
  env: string,
  flags: ConsentFlags,
  { prompter }: SecretSources,
): Promise<void> {
  const what = gains.length > 3 ? "what is marked with +" : listed(gains);
  const token = `token ${nameOf(after)} of ${env}`;
  await requireConsent(consentTo({ env }, "give", `${token} ${what}`), flags, prompter);
}
