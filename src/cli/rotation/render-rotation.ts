import { AuditOutstandingError } from "../../errors.ts";
import type { CommitStep, Committed } from "../../vault/commit/proposal.ts";
import type { FinishPlan } from "../../vault/finish.ts";
import { timeAgo } from "../../vault/format/relative-time.ts";
import type { RotationPlan } from "../../vault/rotate.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import type { SlotAccess } from "../../vault/unlock/entries.ts";
import { type Target, vaultFlags } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";

/** Shows what users should know before they agree. */
export function renderPlan(
  { dropped, graceUntil, tokens, atMs }: RotationPlan,
  leaked: "keep" | "revoke" | undefined,
  output: Output,
): void {
  for (const entry of dropped) output.say(`this shuts out slot ${describeSlot(entry)}`);
  if (graceUntil !== null) output.say(`the old passphrase will read until ${graceUntil}, and write no more`);
  if (tokens.length > 0) output.say(leaked === "revoke" ? "these scoped tokens end:" : "these scoped tokens go on:");
  for (const token of tokens) output.say(`  ${describeToken(token, atMs)}`);
}

/** Such as `api (…wEXj), made 3 days ago by ann@laptop`. */
function describeToken({ id, lastFour, claims, createdBy }: TokenSummary, atMs: number): string {
  const when = timeAgo(claims.created_at, atMs);
  return `${claims.name ?? id} (…${lastFour}), made ${when} by ${createdBy.user}@${createdBy.host}`;
}

/** A rotation drops every slot except that of the old passphrase, because an attacker may have planted it. */
function describeSlot({ slot, until }: SlotAccess): string {
  if (until !== null) return `${slot}: an older passphrase that could read until ${until}`;
  return `${slot}: another passphrase that could write (find out who set it)`;
}

export function renderStep(step: CommitStep, { prevGen, gen }: RotationPlan, output: Output): void {
  switch (step.kind) {
    case "ready":
      return;
    case "bundle-created":
      return output.done(`Bundle re-encrypted with new passphrase (gen=${prevGen} → gen=${gen})`);
    case "manifest-swapped":
      return output.done("Manifest pointer updated atomically (ETag-conditional)");
    case "done":
      if (step.committed.auditFault === null) output.done("Audit log entry written");
      return;
    default:
      step satisfies never;
  }
}

export interface NextStepsContext {
  readonly config: Target;
  /** The path of the file with a generated passphrase. */
  readonly file: string | undefined;
  /** Set if the rotation drew a new anchor and kept the tokens. */
  readonly keepsTokens: boolean;
}

export function renderNextSteps(
  { graceUntil, prevGen, tokens }: RotationPlan,
  { config, file, keepsTokens }: NextStepsContext,
  output: Output,
): void {
  const [env, flags] = [config.env, vaultFlags(config)];
  const value = file === undefined ? "the new passphrase" : `what ${file} holds`;
  output.say(`next: 1. set VSYNC_PASSPHRASE of ${env} in your secret store, or its file, to ${value}`);
  output.say(`      2. roll-restart the apps in ${env}`);
  if (graceUntil === null) {
    output.warn(
      `until both are done, an app in ${env} that starts with the old passphrase cannot open the vault ` +
        "(WrongPassphraseError); next time, --grace=24h leaves no such window",
    );
  } else {
    output.say(`the old passphrase keeps reading until ${graceUntil}: until then no app fails to start`);
    output.say(`when all apps have the new one: vsync rotate-passphrase ${flags} --finish`);
  }
  output.say(
    `the bundles up to gen=${prevGen} still open with the old passphrase; ` +
      `vsync gc ${flags} --keep=1 --older-than=0s removes them`,
  );
  if (!keepsTokens || tokens.length === 0) return;
  output.say(
    `each host with a scoped token believes the leaked passphrase's holder until its VSYNC_CONFIG has the new anchor: ` +
      `vsync runtime-token ${flags} prints one to set next to VSYNC_TOKEN, and vsync tokens rotate makes one with a token in it; ` +
      `then vsync rotate-passphrase ${flags} --finish ends the old anchors`,
  );
}

export function renderFinished(
  { dropped, anchors }: FinishPlan,
  { manifest }: Committed,
  env: string,
  output: Output,
): void {
  const { gen, prev_gen } = manifest;
  const step = `(gen=${prev_gen} → gen=${gen})`;
  if (dropped.length > 0) output.done(`Grace window ended: ${slotsOf(dropped)} no longer opens ${env} ${step}`);
  if (anchors > 0) output.done(`Old anchors ended: hosts of ${env} that still pin one open nothing ${step}`);
}

export function slotsOf(entries: readonly SlotAccess[]): string {
  return entries.map(({ slot, until }) => `${slot} (until ${until})`).join(", ");
}

/**
 * @throws AuditOutstandingError the commit stands, but its audit row is missing; another command appends it
 */
export function refuseOutstanding({ manifest, auditFault }: Committed, target: Target): void {
  if (auditFault === null) return;
  throw new AuditOutstandingError(
    `gen=${manifest.gen} is in force, but its audit row is not written: ${auditFault.message}`,
    { hint: `run vsync audit reconcile ${vaultFlags(target)}` },
  );
}
