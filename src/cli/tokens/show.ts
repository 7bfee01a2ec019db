import type { AuditRow } from "../../vault/format/audit-row.ts";
import type { ReadTokens } from "../../vault/tokens/read.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import type { Output } from "../terminal/output.ts";
import { predatesPassphrase, tokenJson } from "./list.ts";
import { statusInWords } from "./render-token.ts";

/** Everything that operators know of one token. */
export function renderToken(
  { tokens, manifest }: ReadTokens,
  audit: readonly AuditRow[],
  flags: { readonly json?: boolean | undefined },
  output: Output,
): void {
  const [token] = tokens;
  if (token === undefined) throw new TypeError("no token was read");
  const rows = audit.filter((row) => isAbout(row, token.id)).toReversed();
  const isMarked = predatesPassphrase(token, manifest);
  if (flags.json) output.json({ env: manifest.env, ...tokenJson(token), olderThanPassphrase: isMarked, rows });
  else output.fields(fieldsOf(token, rows));
  if (isMarked) output.say("it is older than the passphrase: people who knew the one before may have made or kept it");
}

function isAbout({ meta }: AuditRow, id: string): boolean {
  return JSON.stringify(meta).includes(`"${id}"`);
}

function fieldsOf(token: TokenSummary, rows: readonly AuditRow[]): Record<string, string> {
  const { id, lastFour, claims, reads, createdBy, replaces, endedAt } = token;
  const { name, kind, backend, capabilities, permissions, grants, meters, routes, created_at, not_after } = claims;
  const fields: Record<string, string | undefined> = {
    id,
    "last four": lastFour,
    name,
    kind,
    backend,
    capabilities: listOf(capabilities),
    permissions: permissions && listOf(permissions),
    grants: grants && JSON.stringify(grants),
    meters: meters && listOf(meters),
    routes: routes && listOf(routes),
    status: statusInWords(token),
    created: `${created_at} by ${createdBy.user}@${createdBy.host} (${createdBy.tool})`,
    ends: not_after ?? "never",
    ended: endedAt ?? undefined,
    replaces: replaces ?? undefined,
    reads: reads.all ? `all ${reads.of}, including names added later` : `${reads.names.length} of ${reads.of}`,
    names: listOf(reads.names),
    rows: rows.map(({ gen, action }) => `gen=${gen} ${action}`).join(", ") || "none: `vsync audit verify` says more",
  };
  const present = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

const listOf = (names: readonly string[]): string => names.join(", ") || "none";
