import type { Random } from "../../ports.ts";
import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import type { Claims } from "../../tokens/claims.ts";
import { isTokenId } from "../../tokens/credential-form.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { endingKeys, withoutKeysOf } from "../commit/gateway-keys.ts";
import type { AmendRequest, Proposal } from "../commit/proposal.ts";
import { isLive, liveIn, type Roll, type TokenRecord } from "../format/tokens/roll.ts";
import { type Amended, proposeRollChange, type RollBase } from "./amend-roll.ts";
import { findRecord, isMeant, type TokenSummary } from "./summary.ts";

export interface TokenRevokeRequest extends AmendRequest {
  /** As `findRecord` takes them. */
  readonly tokens: readonly string[];
}

export interface TokenRevokePlan {
  /** The tokens that could read until now. */
  readonly revoked: readonly TokenSummary[];
  /** Ids of slots that are missing from the roll: somebody planted them, and they end too. */
  readonly planted: readonly string[];
  /** Keys that a revoked gateway signed with. The same commit replaces them, and they end at `not_after`. */
  readonly gatewayKeys: readonly GatewayKey[];
  /** The newest generation now. What the tokens could read of it stays readable to them until `gc`. */
  readonly gen: number;
}

/**
 * Proposes to revoke tokens: from the next generation on, their holders get no key. It works even on tokens that
 * openTokens would refuse as planted.
 *
 * @throws InputError a word matches no token, or several
 * @throws what opening and committing throw
 */
export async function proposeTokenRevoke(
  ports: CommitPorts,
  request: TokenRevokeRequest,
): Promise<Proposal<TokenRevokePlan>> {
  let ids: readonly string[] | undefined;
  // Resolved once: on top of another commit, a name might mean a new token.
  const { random } = ports;
  const idsIn = (roll: Roll) => (ids ??= request.tokens.flatMap((word) => idsOf(roll, word, ports.clock.nowMs())));
  const mending = { revoking: (id: string, roll: Roll) => idsIn(roll).includes(id) };
  return proposeRollChange(
    ports,
    { ...request, mending },
    {
      change: (base) => revoking(base, new Set(idsIn(base.roll)), random),
      isDone: (roll) =>
        roll.tokens.every(({ claims, revoked_at }) => revoked_at !== undefined || !idsIn(roll).includes(claims.id)),
    },
  );
}

/**
 * An id that is missing from the roll may still be that of a slot. A name means every live token of that name,
 * including those being replaced, because otherwise their credentials could still read.
 */
function idsOf(roll: Roll, word: string, nowMs: number): readonly string[] {
  if (isTokenId(word)) return [word];
  const meant = liveIn(roll, nowMs).filter((record) => isMeant(record, word));
  const isName = meant.length > 0 && meant.every(({ claims }) => claims.name === word);
  return (isName ? meant : [findRecord(roll, word, nowMs)]).map(({ claims }) => claims.id);
}

async function revoking(base: RollBase, ids: ReadonlySet<string>, random: Random): Promise<Amended<TokenRevokePlan>> {
  const known = new Set(base.roll.tokens.map(({ claims }) => claims.id));
  const planted = [...ids].filter((id) => !known.has(id));
  for (const id of planted) if (!base.sealed.has(id)) findRecord(base.roll, id, base.nowMs);
  const ending = base.roll.tokens.filter(({ claims, revoked_at }) => ids.has(claims.id) && revoked_at === undefined);
  const common = { revoked: await Promise.all(ending.map(base.summarize)), planted, gen: base.manifest.gen };
  if (ending.length + planted.length === 0) return { plan: { ...common, gatewayKeys: [] }, amendment: null };
  const meta = { event: "token-revoke", tokens: [...ending.map(({ claims }) => claims.id), ...planted] };
  const roll = revokedIn(base.roll, new Set(ending), base.nowMs);
  const tokens = withoutKeysOf({ ...base, roll }, claimsOf(ending), { random, atMs: base.nowMs });
  const plan = { ...common, gatewayKeys: endingKeys(base.roll, tokens.roll) };
  return { plan, amendment: { action: "token-revoke", meta, tokens } };
}

function claimsOf(records: readonly TokenRecord[]): readonly Claims[] {
  return records.map(({ claims }) => claims);
}

/** The roll with these records revoked now. */
export function revokedIn(roll: Roll, records: ReadonlySet<TokenRecord>, nowMs: number): Roll {
  const revoked_at = new Date(nowMs).toISOString();
  return { ...roll, tokens: roll.tokens.map((record) => (records.has(record) ? { ...record, revoked_at } : record)) };
}

export interface TokenPrunePlan {
  /** Expired tokens that still have slots in the newest bundle. */
  readonly expired: readonly TokenSummary[];
  readonly gen: number;
}

/** Proposes a commit that drops the slots of expired tokens, as every other commit does too. */
export async function proposeTokenPrune(ports: CommitPorts, request: AmendRequest): Promise<Proposal<TokenPrunePlan>> {
  const expiredIn = (base: RollBase) =>
    base.roll.tokens.filter((record) => base.sealed.has(record.claims.id) && !isLive(record, base.nowMs));
  return proposeRollChange(ports, request, {
    async change(base) {
      const expired = await Promise.all(expiredIn(base).map(base.summarize));
      const meta = { event: "token-prune", tokens: expired.map(({ id }) => id) };
      const amendment = expired.length === 0 ? null : { action: "token-prune", meta };
      return { plan: { expired, gen: base.manifest.gen }, amendment };
    },
    isDone: () => false,
  });
}
