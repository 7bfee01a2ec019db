import { InputError, StaleBaseError } from "../../errors.ts";
import { systemClock } from "../../stores/open-store.ts";
import { timeAgo } from "../../vault/format/relative-time.ts";
import type { BaseMismatch, NewerWork } from "../../vault/items/file-base.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import { listed } from "../terminal/consent.ts";

export interface StaleFlags {
  /** The dotenv file; `-` is stdin. */
  readonly from?: string | undefined;
  readonly base?: number | undefined;
  readonly force?: boolean | undefined;
}

/**
 * Refuses a push that would undo newer work, unless `--force` is given. A file from another vault is refused in any
 * case.
 *
 * @throws StaleBaseError the push is refused
 * @throws InputError `--base` names a generation that the vault does not have
 */
export function requireFresh(stale: NewerWork | BaseMismatch | null, config: LocalConfig, flags: StaleFlags): void {
  if (stale === null) return;
  const { repo, env } = config;
  if (stale.kind === "foreign") {
    throw new StaleBaseError(`this file was pulled from ${stale.name}, not from ${repo} ${env}; nothing was written`, {
      hint: "vsync copy takes secrets from one env to another; if you mean the whole file, delete its first line",
    });
  }
  if (stale.kind === "unknown" && flags.base !== undefined) {
    throw new InputError(`${repo}/${env} has no generation ${stale.gen}: the newest is ${stale.newest}`, {
      hint: `vsync history ${vaultArgs(config)} lists them`,
    });
  }
  if (flags.force) return;
  const merge = mergeCommand(config, flags);
  const fault = stale.kind === "unknown" ? wordsOfUnknown(stale, env) : wordsOfNewer(stale, env);
  const then = stale.kind === "newer" && stale.lost === "locked" ? `${THEN}; ` : "";
  throw new StaleBaseError(fault, { hint: `${then}${merge}; --force pushes over it` });
}

/** For a base with another passphrase. */
export const THEN = "give the passphrase of that time with --then-passphrase-file=<file> or VSYNC_THEN_PASSPHRASE";

export function mergeCommand(config: LocalConfig, { from, base }: StaleFlags): string {
  if (from === "-" || base !== undefined) return "pull again, then make your change in the new file";
  const to = from === undefined ? "" : ` --to=${from}`;
  return `vsync pull ${vaultArgs(config)}${to} --merge keeps both sides`;
}

function wordsOfUnknown({ gen, newest }: BaseMismatch & { readonly kind: "unknown" }, env: string): string {
  const now = newest === 0 ? "holds nothing" : `is at generation ${newest}`;
  if (gen > newest)
    return `this file was pulled at generation ${gen}, and ${env} ${now}: the vault was restored from an older copy`;
  return `generation ${gen} of ${env} is not the one that this file was pulled from: the vault was restored from an older copy`;
}

/** Such as `prod has moved on since your pull (gen 1 → 5): STRIPE changed 3 min ago by ann@laptop`. */
function wordsOfNewer({ gen, newest, changes, lost, last }: NewerWork, env: string): string {
  const moved = `${env} has moved on since your pull (gen ${gen} → ${newest})`;
  const when = last === null ? "" : `${timeAgo(last.at, systemClock.nowMs())} by ${last.actor.user}@${last.actor.host}`;
  const parts = [
    [changes.added, "added"],
    [changes.changed, "changed"],
    [changes.removed, "removed"],
  ] as const;
  const named = parts.filter(([names]) => names.length > 0);
  if (lost === null) {
    const done = named.map(([names, verb]) => `${listed(names)} ${verb}`).join(", ");
    return `${moved}: ${done}${named.length === 1 ? ` ${when}` : `, last ${when}`}`;
  }
  const why = lost === "removed" ? "gc has removed that generation" : "that generation has another passphrase";
  const names = named.flatMap(([all]) => all).toSorted();
  return `${moved}, last ${when}; ${why}, and ${names.length === 1 ? "" : "any of "}${listed(names)} may be newer than yours`;
}
