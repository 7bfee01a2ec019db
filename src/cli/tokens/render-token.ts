import { systemClock } from "../../stores/open-store.ts";
import { relativeTime } from "../../vault/format/relative-time.ts";
import type { TokenRotatePlan } from "../../vault/tokens/rotate.ts";
import type { Reads, TokenSummary } from "../../vault/tokens/summary.ts";
import { type Target, vaultFlags } from "../config/target.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";

interface Delivery {
  readonly config: Target;
  readonly variable: "VSYNC_CONFIG" | "VSYNC_TOKEN";
  readonly out: string | undefined;
}

/** What was made, and what to do next. Id and last four are no secret. */
export function renderCreated(token: TokenSummary, { config, variable, out }: Delivery, output: Output): void {
  const { claims } = token;
  output.done(`${labelOf(token)} of ${config.repo}/${config.env} created: ${token.id}, last four ${token.lastFour}`);
  output.say(`reads ${readsInWords(token.reads)}`);
  if (claims.capabilities.length > 0) output.say(`may ${claims.capabilities.join(", ")}`);
  output.say(
    claims.not_after === undefined ? "never expires: --expires=90d would end it by itself" : `ends ${claims.not_after}`,
  );
  const where = out === undefined ? "nobody can show it again" : `it is in ${out}, and nobody can show it again`;
  output.say(`${where}; ${nextStep(variable, config)}`);
}

function nextStep(variable: Delivery["variable"], target: Target): string {
  return variable === "VSYNC_CONFIG"
    ? "set the app's VSYNC_CONFIG to it, without a passphrase: vsync run -- <program>"
    : `set VSYNC_TOKEN to it, beside the VSYNC_CONFIG of vsync runtime-token ${vaultFlags(target)}`;
}

export function renderRotated({ rotated, overlapUntil }: TokenRotatePlan, target: Target, output: Output): void {
  for (const { old, token } of rotated) {
    output.done(`${labelOf(token)} of ${target.repo}/${target.env} rotated: ${token.id}, last four ${token.lastFour}`);
    output.say(`it takes the place of ${shortly(old)}, with the same claims`);
  }
  output.say(
    overlapUntil === null
      ? "the old credential has ended: restart its holder with the new one now"
      : `the old credential reads until ${overlapUntil}: restart its holder with the new one before`,
  );
}

/** `Token api` */
export function labelOf({ claims: { name } }: TokenSummary): string {
  return name === undefined ? "Token" : `Token ${name}`;
}

/** The name, or else the id. */
export function nameOf({ id, claims: { name } }: TokenSummary): string {
  return name ?? id;
}

/** `tok_0123… (…abcd)` */
export function shortly({ id, lastFour }: TokenSummary): string {
  return `${id} (…${lastFour})`;
}

/** `REDIS_HOST and REDIS_PORT (2 of 14)` */
export function readsInWords({ all, names, of }: Reads): string {
  if (all) return `everything, also what comes later (${of} now)`;
  if (names.length === 0) return `no secret (0 of ${of})`;
  return `${listed(names)} (${names.length} of ${of})`;
}

/** `all`, `2 of 14` */
export function readsInShort({ all, names, of }: Reads): string {
  return all ? "all" : `${names.length} of ${of}`;
}

/** `active`, `expires in 6 days`, `expired, still sealed`, `revoked` */
export function statusInWords({ status, isSealed, claims: { not_after } }: TokenSummary): string {
  if (status === "active") {
    return not_after === undefined ? "active" : `expires ${relativeTime(not_after, systemClock.nowMs())}`;
  }
  return status === "expired" && isSealed ? "expired, still sealed" : status;
}
