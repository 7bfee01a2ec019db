import { DAY_MS } from "../../durations.ts";
import { InputError } from "../../errors.ts";
import { type Claims, checkClaims } from "../../tokens/claims.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { mayGatewaySign, withoutKeysOf } from "../commit/gateway-keys.ts";
import { type AmendRequest, type Proposal, proposeAmendment } from "../commit/proposal.ts";
import { endedAt, type Roll, type TokenRecord } from "../format/tokens/roll.ts";
import { baseOf } from "./amend-roll.ts";
import { type GivenClaims, requireFreeName, rowMeta } from "./create.ts";
import { compareRights } from "./rights.ts";
import { requireInSettings } from "./settings.ts";
import { findRecord, type TokenSummary } from "./summary.ts";

/** How long after its expiry a token can still get a new one. */
const RENEWABLE_MS = 30 * DAY_MS;

export interface TokenUpdateRequest extends AmendRequest {
  /** As `findRecord` takes it. */
  readonly token: string;
  /** Returns the new claims. Everything may change except the id and the creation time. */
  readonly change: (claims: GivenClaims) => GivenClaims;
}

export interface TokenUpdatePlan {
  readonly before: TokenSummary;
  readonly after: TokenSummary;
  /** What the token gains, as nouns: names first. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
  /** All names of the vault. */
  readonly names: readonly string[];
  readonly isChanged: boolean;
  readonly gen: number;
}

/**
 * Proposes new claims for a token. Its credential stays.
 *
 * @throws GrantInvalidError the claims are not allowed
 * @throws InputError the word matches no token, or several; the token was revoked or ended long ago; a live token has
 * the name
 * @throws what opening and committing throw
 */
export async function proposeTokenUpdate(
  ports: CommitPorts,
  request: TokenUpdateRequest,
): Promise<Proposal<TokenUpdatePlan>> {
  const { random } = ports;
  return proposeAmendment(ports, request, async (vault, tokens) => {
    const base = baseOf(ports, vault, tokens);
    const { roll, nowMs } = base;
    const record = findRecord(roll, request.token, nowMs);
    requireRenewable(record, nowMs);
    const { id, created_at, ...given } = record.claims;
    const claims = checkClaims({ ...request.change(given), id, created_at });
    if (isRebound(record.claims, claims)) requireInSettings(roll, claims);
    requireFreeName(roll, { ...record, claims }, nowMs);
    const before = await base.summarize(record);
    const after = await base.summarize({ ...record, claims });
    const change = await compareRights(before.status === "active" ? record.claims : null, claims, base);
    const isChanged = JSON.stringify(claims) !== JSON.stringify(record.claims);
    const updated = { ...record, claims };
    const meta = rowMeta("token-update", updated);
    const changed = { ...base, roll: replacedIn(roll, record, updated) };
    const isGatewayStill = mayGatewaySign(claims) && claims.backend === record.claims.backend;
    const lost = isGatewayStill ? [] : [record.claims];
    return {
      plan: {
        before,
        after,
        ...change,
        names: base.items.map(({ name }) => name),
        isChanged,
        gen: base.manifest.gen,
      },
      amendment: isChanged
        ? { action: "token-update", meta, tokens: withoutKeysOf(changed, lost, { random, atMs: nowMs }) }
        : null,
    };
  });
}

/** A token may keep a backend or meter that the settings have lost; only a new one is checked. */
function isRebound(before: Claims, { backend, meters }: Claims): boolean {
  return backend !== before.backend || JSON.stringify(meters) !== JSON.stringify(before.meters);
}

function requireRenewable(record: TokenRecord, nowMs: number): void {
  const at = endedAt(record, nowMs);
  const isRenewable = at === null || (record.revoked_at === undefined && nowMs - Date.parse(at) <= RENEWABLE_MS);
  if (isRenewable) return;
  const fault = record.revoked_at === undefined ? "expired more than 30 days ago" : "was revoked";
  throw new InputError(`the token ${record.claims.id} ${fault}, ${at}`, {
    hint: "create another one with `vsync tokens create`",
  });
}

function replacedIn(roll: Roll, old: TokenRecord, record: TokenRecord): Roll {
  return { ...roll, tokens: roll.tokens.map((it) => (it === old ? record : it)) };
}
