import { rememberingGrants } from "../commit/plan-tokens.ts";
import type { NamedData } from "../format/item.ts";
import { liveIn, type Roll, type TokenRecord } from "../format/tokens/roll.ts";

/** What a change of the items gives a token, and what it takes away. */
export interface TokenEffect {
  readonly id: string;
  readonly lastFour: string;
  /** The token's name, or null if it has none. */
  readonly name: string | null;
  /** Names, each list in the vault's order. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/** The vault and its roll, before the change. */
export interface AffectedVault {
  readonly repo: string;
  readonly env: string;
  readonly roll: Roll;
  readonly nowMs: number;
  /** Repo and env after the change, if they change. */
  readonly to?: { readonly repo: string; readonly env: string };
}

/** The live tokens that will read more or fewer names: every commit evaluates their grants on the new items. */
export async function effectsOn(
  { repo, env, roll, nowMs, to = { repo, env } }: AffectedVault,
  before: readonly NamedData[],
  after: readonly NamedData[],
): Promise<readonly TokenEffect[]> {
  const had = rememberingGrants({ repo, env, items: before });
  const has = rememberingGrants({ repo: to.repo, env: to.env, items: after });
  const effects = liveIn(roll, nowMs).map(async (record) => {
    const [then, now] = await Promise.all([had(record.claims), has(record.claims)]);
    return effectOf(record, new Set(then.items), new Set(now.items));
  });
  return (await Promise.all(effects)).filter(({ gains, loses }) => gains.length + loses.length > 0);
}

function effectOf({ claims, last_four }: TokenRecord, had: ReadonlySet<string>, has: ReadonlySet<string>): TokenEffect {
  return {
    id: claims.id,
    lastFour: last_four,
    name: claims.name ?? null,
    gains: [...has].filter((name) => !had.has(name)),
    loses: [...had].filter((name) => !has.has(name)),
  };
}
