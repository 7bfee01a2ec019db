import { systemClock } from "../../stores/open-store.ts";
import { timeAgo } from "../../vault/format/relative-time.ts";
import type { ReadTokens } from "../../vault/tokens/read.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import { type Target, vaultArgs } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import { readsInShort, statusInWords } from "./render-token.ts";

export interface TokenListFlags {
  readonly all?: boolean | undefined;
  /** In milliseconds. */
  readonly expiring?: number | undefined;
  readonly json?: boolean | undefined;
}

/** The tokens that the flags select. An expired token that still has its slot counts as live. */
function chosenTokens({ tokens }: ReadTokens, { all, expiring }: TokenListFlags): readonly TokenSummary[] {
  if (expiring !== undefined)
    return tokens.filter((token) => endsWithin(token, expiring) && !isReplaced(token, tokens));
  return all ? tokens : tokens.filter(({ status, isSealed }) => status === "active" || isSealed);
}

/** Includes tokens that ended a moment ago, because nobody may have looked in time. */
function endsWithin({ status, claims: { not_after } }: TokenSummary, withinMs: number): boolean {
  if (status === "revoked" || not_after === undefined) return false;
  return Math.abs(Date.parse(not_after) - systemClock.nowMs()) <= withinMs;
}

/** Whether its holder already has another one: it was rotated, or it has expired and a live token has its name. */
function isReplaced({ id, status, claims: { name } }: TokenSummary, tokens: readonly TokenSummary[]): boolean {
  return tokens.some((other) => {
    const isNamesake = status === "expired" && other.status === "active" && other.claims.name === name;
    return other.replaces === id || (name !== undefined && isNamesake);
  });
}

/** A row; `isOlder` if the passphrase was rotated since. */
interface Row {
  readonly token: TokenSummary;
  readonly isOlder: boolean;
}

const COLUMNS = [
  { head: "ID", cell: ({ token }: Row) => token.id },
  { head: "LAST", cell: ({ token }: Row) => token.lastFour },
  { head: "NAME", cell: ({ token }: Row) => token.claims.name ?? "-" },
  { head: "KIND", cell: ({ token }: Row) => token.claims.kind },
  { head: "BACKEND", cell: ({ token }: Row) => token.claims.backend ?? "-" },
  { head: "CAPABILITIES", cell: ({ token }: Row) => token.claims.capabilities.join(",") || "-" },
  { head: "READS", cell: ({ token }: Row) => readsInShort(token.reads) },
  { head: "STATUS", cell: ({ token, isOlder }: Row) => `${statusInWords(token)}${isOlder ? " *" : ""}` },
  { head: "CREATED", cell: ({ token }: Row) => token.claims.created_at.replace(/\.\d{3}Z$/, "Z") },
  { head: "BY", cell: ({ token }: Row) => `${token.createdBy.user}@${token.createdBy.host}` },
] as const;

export function renderTokens(
  { manifest, ...read }: ReadTokens,
  flags: TokenListFlags,
  target: Target,
  output: Output,
): readonly TokenSummary[] {
  const tokens = chosenTokens({ manifest, ...read }, flags);
  const rows = tokens.map((token) => ({ token, isOlder: predatesPassphrase(token, manifest) }));
  if (flags.json) output.json({ env: manifest.env, gen: manifest.gen, tokens: rows.map(rowJson) });
  else output.table(COLUMNS, rows);
  if (rows.some((row) => row.isOlder)) {
    const when = timeAgo(manifest.rotated_at, systemClock.nowMs());
    output.say(
      `* older than the passphrase, which was rotated ${when}: people who knew the one before may have made or kept this token; ` +
        `vsync tokens rotate ${vaultArgs(target)} <token> replaces it`,
    );
  }
  if (rows.length === 0 && !flags.json) output.say(emptyList(flags, target));
  return tokens;
}

function emptyList({ all, expiring }: TokenListFlags, target: Target): string {
  if (expiring !== undefined) return "no token expires within that time, or did";
  return `${target.env} has no ${all ? "" : "live "}token: vsync tokens create ${vaultArgs(target)} makes one`;
}

export function predatesPassphrase({ status, claims }: TokenSummary, { rotated_at }: ReadTokens["manifest"]): boolean {
  return status === "active" && claims.created_at < rotated_at;
}

function rowJson({ token, isOlder }: Row) {
  return { ...tokenJson(token), olderThanPassphrase: isOlder };
}

/** Everything that operators know of a token; `docs/tokens.md` describes the fields. */
export function tokenJson({ id, lastFour, claims, reads, status, endedAt, createdBy, replaces }: TokenSummary) {
  const { id: _id, created_at, not_after, ...rest } = claims;
  return {
    tokenId: id,
    lastFour,
    ...rest,
    createdAt: created_at,
    ...(not_after === undefined ? {} : { expiresAt: not_after }),
    status,
    ...(endedAt === null ? {} : { endedAt }),
    reads: { granted: reads.names.length, of: reads.of, all: reads.all, names: reads.names },
    createdBy,
    ...(replaces === null ? {} : { replaces }),
  };
}
