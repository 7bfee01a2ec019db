import type { JsonObject } from "../../canonical-json.ts";
import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { Random } from "../../ports.ts";
import { type Claims, checkClaims } from "../../tokens/claims.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { withoutKeysOf } from "../commit/gateway-keys.ts";
import type { AmendRequest, Proposal } from "../commit/proposal.ts";
import { LAST_INSTANT_MS } from "../format/object-keys.ts";
import { endedAt, isLive, liveIn, type Roll, type TokenRecord } from "../format/tokens/roll.ts";
import { type Amended, proposeRollChange, type RollBase } from "./amend-roll.ts";
import { type DrawnToken, drawToken, recordOf } from "./create.ts";
import { findRecord, newestOf, replacedBy, type TokenSummary } from "./summary.ts";

export interface TokenRotateRequest extends AmendRequest {
  /** As `findRecord` takes them; `all` means every live token. */
  readonly tokens: readonly string[] | "all";
  /** How long the old credentials still read. If absent, they end with the commit. */
  readonly overlapMs?: number;
}

export interface RotatedToken {
  readonly old: TokenSummary;
  readonly token: TokenSummary;
  /** Older tokens that it replaced, still live in an overlap. They end with this commit. */
  readonly ended: readonly TokenSummary[];
  /** `vsrt_…`, which the vault cannot give again. The caller zeroes it. */
  readonly credential: Secret;
}

export interface TokenRotatePlan {
  readonly rotated: readonly RotatedToken[];
  /** When the old credentials end; null if they end with the commit. */
  readonly overlapUntil: string | null;
  readonly gen: number;
}

/**
 * Proposes new credentials with the same claims, in one commit for all tokens. `proposeTokenCreate` says how to build
 * their blobs.
 *
 * @throws InputError a word matches no token, or several; a token has ended, or a live one replaces it; the overlap
 * does not end
 * @throws what opening and committing throw
 */
export async function proposeTokenRotate(
  ports: CommitPorts,
  request: TokenRotateRequest,
): Promise<Proposal<TokenRotatePlan>> {
  const drawnFor = new Map<string, DrawnToken>();
  let plan: TokenRotatePlan | undefined;
  return proposeRollChange(ports, request, {
    async change(base) {
      // A later try must rotate the same tokens to the same credentials: the caller may have shown those already.
      const ids = plan?.rotated.map(({ old }) => old.id) ?? request.tokens;
      const records = rotatable(base.roll, ids, base.nowMs);
      for (const { claims } of records) {
        if (!drawnFor.has(claims.id)) drawnFor.set(claims.id, await drawToken(ports, claims.kind));
      }
      const amended = await rotating(base, request, records, { drawnFor, random: ports.random });
      plan ??= amended.plan;
      return amended;
    },
    isDone: (roll) => [...drawnFor.values()].every(({ id }) => roll.tokens.some(({ claims }) => claims.id === id)),
  });
}

function rotatable(roll: Roll, words: readonly string[] | "all", nowMs: number): readonly TokenRecord[] {
  const live = liveIn(roll, nowMs);
  if (words === "all") return newestOf(live, roll);
  const found = new Set(words.map((word) => findRecord(roll, word, nowMs)));
  for (const record of found) {
    const at = endedAt(record, nowMs);
    if (at === null) {
      requireNewest(record, live, roll);
      continue;
    }
    throw new InputError(`the token ${record.claims.id} ended ${at}`, {
      hint:
        record.revoked_at === undefined
          ? "give it another end first, with `vsync tokens update --expires`"
          : "create another one with `vsync tokens create`",
    });
  }
  return [...found];
}

/** A replaced token's claims already contain the end of the overlap, so a copy of them would expire unnoticed. */
function requireNewest(record: TokenRecord, live: readonly TokenRecord[], roll: Roll): void {
  const newer = live.findLast((it) => replacedBy(it, roll).includes(record));
  if (newer === undefined) return;
  throw new InputError(`${record.claims.id} is already replaced by ${newer.claims.id}`, { hint: "rotate that one" });
}

async function rotating(
  base: RollBase,
  { overlapMs, annotation }: TokenRotateRequest,
  records: readonly TokenRecord[],
  { drawnFor, random }: { readonly drawnFor: ReadonlyMap<string, DrawnToken>; readonly random: Random },
): Promise<Amended<TokenRotatePlan>> {
  const overlapUntil = overlapMs === undefined ? null : overlapEnd(base.nowMs, overlapMs);
  const created_at = new Date(base.nowMs).toISOString();
  const rotated = records.map((old) => {
    const drawn = drawnFor.get(old.claims.id);
    if (drawn === undefined) throw new TypeError("a token without a new credential");
    const claims = checkClaims({ ...old.claims, id: drawn.id, created_at });
    const record: TokenRecord = { ...recordOf(claims, drawn, annotation), replaces: old.claims.id };
    const others = overlapUntil === null ? replacedBy(old, base.roll).filter((it) => isLive(it, base.nowMs)) : [];
    return { old, others, record, drawn };
  });
  const endings = new Map(
    rotated.flatMap(({ old, others }) => [old, ...others]).map((it) => [it, endingAt(it, overlapUntil, created_at)]),
  );
  const tokens = [...base.roll.tokens.map((it) => endings.get(it) ?? it), ...rotated.map(({ record }) => record)];
  const plan = {
    rotated: await Promise.all(
      rotated.map(async ({ old, others, record, drawn }) => ({
        old: await base.summarize(old),
        token: await base.summarize(record),
        ended: await Promise.all(others.map(base.summarize)),
        credential: drawn.text,
      })),
    ),
    overlapUntil,
    gen: base.manifest.gen,
  };
  const meta = rotateMeta(rotated, overlapUntil);
  const renamed = { ...base, roll: { ...base.roll, tokens } };
  const revoked = overlapUntil === null ? [...endings.keys()].map(({ claims }) => claims) : [];
  const tokensAfter = withoutKeysOf(renamed, revoked, { random, atMs: base.nowMs });
  const amendment = { action: "token-rotate", meta, tokens: tokensAfter };
  return { plan, amendment: rotated.length === 0 ? null : amendment };
}

function rotateMeta(
  rotated: readonly {
    readonly old: TokenRecord;
    readonly others: readonly TokenRecord[];
    readonly record: TokenRecord;
  }[],
  overlapUntil: string | null,
): JsonObject {
  const tokens = rotated.map(({ old, others, record }) => {
    const ended = others.map(({ claims }) => claims.id);
    return { token: record.claims.id, replaces: old.claims.id, ...(ended.length === 0 ? {} : { ended }) };
  });
  return { event: "token-rotate", tokens, ...(overlapUntil === null ? {} : { not_after: overlapUntil }) };
}

/** An overlap never extends a token's life. */
function endingAt(record: TokenRecord, overlapUntil: string | null, revoked_at: string): TokenRecord {
  if (overlapUntil === null) return { ...record, revoked_at };
  const { not_after } = record.claims;
  const claims: Claims = {
    ...record.claims,
    not_after: not_after !== undefined && not_after < overlapUntil ? not_after : overlapUntil,
  };
  return { ...record, claims };
}

function overlapEnd(nowMs: number, overlapMs: number): string {
  const endMs = nowMs + overlapMs;
  if (overlapMs > 0 && endMs <= LAST_INSTANT_MS) return new Date(endMs).toISOString();
  throw new InputError("the overlap must be positive and end before the year 10000", {
    hint: "give it as in --overlap=1h",
  });
}
