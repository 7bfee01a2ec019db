import { systemClock } from "../../stores/open-store.ts";
import { GATEWAY_SIGN } from "../../tokens/permissions.ts";
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

/** Shows what was created, and what to do next. Id and last four characters are not secret. */
export function renderCreated(token: TokenSummary, { config, variable, out }: Delivery, output: Output): void {
  const { claims } = token;
  output.done(`${labelOf(token)} of ${config.repo}/${config.env} created: ${token.id}, last four ${token.lastFour}`);
  output.say(`reads ${readsInWords(token.reads)}`);
  if (claims.permissions?.includes(GATEWAY_SIGN)) output.say("signs requests as the gateway");
  if (claims.capabilities.length > 0) output.say(`capabilities: ${claims.capabilities.join(", ")}`);
  output.say(claims.not_after === undefined ? "never expires; with --expires=90d it would" : endInWords(token));
  output.say(shownOnce(out));
  output.say(
    variable === "VSYNC_CONFIG"
      ? "set it as the app's VSYNC_CONFIG; the app needs no passphrase: vsync run -- <program>"
      : `set it as the app's VSYNC_TOKEN, next to the VSYNC_CONFIG of vsync runtime-token ${vaultFlags(config)}`,
  );
}

function endInWords({ claims: { not_after } }: TokenSummary): string {
  return not_after === undefined ? "never expires" : `ends ${not_after}`;
}

function shownOnce(out: string | undefined): string {
  return out === undefined ? "this is the only time it is shown" : `the only copy is in ${out}`;
}

export function renderRotated(
  { rotated, overlapUntil }: TokenRotatePlan,
  { config: target, out }: Pick<Delivery, "config" | "out">,
  output: Output,
): void {
  for (const { old, token, ended } of rotated) {
    output.done(`${labelOf(token)} of ${target.repo}/${target.env} rotated: ${token.id}, last four ${token.lastFour}`);
    output.say(`it takes the place of ${shortly(old)}, with the same claims`);
    for (const it of ended) output.say(`${shortly(it)}, from an earlier overlap, has ended too`);
    output.say(endInWords(token));
  }
  output.say(shownOnce(out));
  const madeMs = Date.parse(rotated[0]?.token.claims.created_at ?? "");
  output.say(
    overlapUntil === null
      ? "the old credential has ended: restart the app with the new one now"
      : `the old credential works until ${overlapUntil} (${relativeTime(overlapUntil, madeMs)}): restart the app with the new one before then`,
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
  if (all) return `everything, including names added later (${of} now)`;
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
