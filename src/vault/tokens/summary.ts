import { InputError } from "../../errors.ts";
import type { Claims } from "../../tokens/claims.ts";
import type { GrantedFrom } from "../../tokens/grants/granted-items.ts";
import { rememberingGrants } from "../commit/plan-tokens.ts";
import type { Actor } from "../format/manifest.ts";
import { endedAt, isLive, type Roll, type TokenRecord } from "../format/tokens/roll.ts";

/** What a token reads now. */
export interface Reads {
  /** Reads everything, including names added later. */
  readonly all: boolean;
  /** In the vault's order. */
  readonly names: readonly string[];
  /** How many names the vault has. */
  readonly of: number;
}

/** What operators see of a token, without its secret. */
export interface TokenSummary {
  readonly id: string;
  readonly lastFour: string;
  readonly claims: Claims;
  readonly reads: Reads;
  readonly status: "active" | "expired" | "revoked";
  /** When it ended, or null for one that is live. */
  readonly endedAt: string | null;
  /** Whether the newest bundle has a slot for it. An expired token keeps its slot until the next commit. */
  readonly isSealed: boolean;
  readonly createdBy: Actor;
  /** The id of the token that this one replaced in a rotation, or null. */
  readonly replaces: string | null;
}

/** The vault whose tokens are summarized. */
export interface SummedVault extends GrantedFrom {
  readonly nowMs: number;
  /** Ids of the slots in the newest bundle. */
  readonly sealed: ReadonlySet<string>;
}

export type Summarize = (record: TokenRecord) => Promise<TokenSummary>;

export function summarizing(vault: SummedVault): Summarize {
  const grantsOf = rememberingGrants(vault);
  return async (record) => {
    const { root, items } = await grantsOf(record.claims);
    return summaryOf(record, { all: root, names: items, of: vault.items.length }, vault);
  };
}

function summaryOf(record: TokenRecord, reads: Reads, vault: SummedVault): TokenSummary {
  const { claims, last_four, created_by, replaces = null, revoked_at } = record;
  const at = endedAt(record, vault.nowMs);
  return {
    id: claims.id,
    lastFour: last_four,
    claims,
    reads,
    status: at === null ? "active" : revoked_at === undefined ? "expired" : "revoked",
    endedAt: at,
    isSealed: vault.sealed.has(claims.id),
    createdBy: created_by,
    replaces,
  };
}

/** The shortest prefix of an id that identifies a token. */
const SHORTEST_START = "tok_".length + 4;

/**
 * Finds the record that a person means by an id, a unique prefix of one, a name, or the last four characters. If
 * several match, live tokens win, and replacements win over the tokens they replace.
 *
 * @throws InputError nothing matches, or more than one
 */
export function findRecord(roll: Roll, word: string, nowMs: number): TokenRecord {
  const matches = roll.tokens.filter((record) => isMeant(record, word));
  const live = matches.filter((record) => isLive(record, nowMs));
  const [found, ...others] = [newestOf(live, roll), live, matches].find(({ length }) => length > 0) ?? [];
  if (found === undefined) {
    throw new InputError(`no token ${JSON.stringify(word)}`, { hint: "`vsync tokens list <env> --all` shows them" });
  }
  if (others.length === 0) return found;
  const candidates = [found, ...others].map(({ claims, last_four }) => `${claims.id} (\u2026${last_four})`);
  throw new InputError(`${JSON.stringify(word)} matches several tokens: ${candidates.join(", ")}`, {
    hint: "give one of these ids",
  });
}

/** Leaves out tokens that another of them replaces: they end by themselves after the overlap. */
export function newestOf(records: readonly TokenRecord[], roll: Roll): readonly TokenRecord[] {
  const replaced = new Set(records.flatMap((record) => replacedBy(record, roll)));
  return records.filter((record) => !replaced.has(record));
}

/** The tokens that this one replaced, directly or through others that may have ended; newest first. */
export function replacedBy({ replaces }: TokenRecord, { tokens }: Roll): readonly TokenRecord[] {
  const found: TokenRecord[] = [];
  let next = replaces;
  // A replacement comes later in the roll than what it replaces.
  for (const record of tokens.toReversed()) {
    if (record.claims.id !== next) continue;
    found.push(record);
    next = record.replaces;
  }
  return found;
}

export function isMeant({ claims, last_four }: TokenRecord, word: string): boolean {
  const isStart = word.length >= SHORTEST_START && claims.id.startsWith(word);
  return isStart || claims.name === word || last_four === word;
}
