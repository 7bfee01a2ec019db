import type { JsonValue } from "../../canonical-json.ts";
import { AuditBrokenError, InputError } from "../../errors.ts";
import { type AuditRequest, type ReadAudit, readAudit } from "../audit/chain.ts";
import { openWithRoll } from "../commit/open-for-commit.ts";
import { type AuditRow, auditRowOf } from "../format/audit-row.ts";
import { liveIn, type Roll } from "../format/tokens/roll.ts";
import type { ReadPorts } from "../open/open-manifest.ts";

/** What a row says about the tokens that its generation created. */
type TokenRow = Pick<AuditRow, "action" | "meta">;

/**
 * The live tokens that no row says were created, in the roll's order. Somebody who once knew a passphrase wrote them
 * into the roll, in a generation that claims to do something else.
 */
export function plantedTokens(roll: Roll, atMs: number, rows: Iterable<TokenRow>): readonly string[] {
  const made = new Set([...rows].flatMap(idsMadeBy));
  return liveIn(roll, atMs)
    .map(({ claims }) => claims.id)
    .filter((id) => !made.has(id));
}

function idsMadeBy({ action, meta }: TokenRow): readonly JsonValue[] {
  if (action === "token-create") return [meta["token"] ?? null];
  const rotated = action === "token-rotate" ? meta["tokens"] : undefined;
  return Array.isArray(rotated) ? rotated.map((pair: JsonValue) => tokenIn(pair)) : [];
}

function tokenIn(pair: JsonValue): JsonValue {
  return typeof pair === "object" && pair !== null && "token" in pair ? (pair as { token: JsonValue }).token : null;
}

/**
 * Verifies all audit rows and checks the roll's tokens against them. For a holder who only reads, it verifies just the
 * rows, because only operators can open the roll.
 *
 * @throws AuditBrokenError a row is wrong, or no row created a token
 * @throws what `readAudit` throws and, if the vault has tokens, what opening throws
 */
export async function verifyTokensToo(ports: ReadPorts, request: AuditRequest): Promise<ReadAudit> {
  const audit = await readAudit(ports, request);
  const roll = await rollOrNull(ports, request, audit);
  if (roll !== null) requireNonePlanted(roll, audit);
  return audit;
}

/** What `doctor` reports about a vault's tokens. */
export interface ExaminedTokens {
  readonly live: number;
  /** Expired tokens that still have slots in the newest bundle. */
  readonly sealed: number;
}

/**
 * Like `verifyTokensToo`, for a vault that has just been opened. Null if it has no tokens or the holder only reads.
 *
 * @throws what `verifyTokensToo` throws
 */
export async function examineTokens(ports: ReadPorts, request: AuditRequest): Promise<ExaminedTokens | null> {
  const audit = await readAudit(ports, request);
  const roll = await rollOrNull(ports, request, audit);
  if (roll === null) return null;
  requireNonePlanted(roll, audit);
  const sealed = liveIn(roll, Date.parse(audit.manifest.at)).length;
  const live = liveIn(roll, ports.clock.nowMs()).length;
  return { live, sealed: Math.max(sealed - live, 0) };
}

function requireNonePlanted(roll: Roll, { manifest, rows }: ReadAudit): void {
  const [first, ...others] = plantedTokens(roll, Date.parse(manifest.at), [...rows, auditRowOf(manifest)]);
  if (first === undefined) return;
  throw new AuditBrokenError(
    manifest.gen,
    `no audit row says who created ${[first, ...others].join(", ")}: somebody planted it`,
    {
      hint: `find out who knew the passphrase; \`vsync tokens revoke ${first}\` ends it`,
    },
  );
}

async function rollOrNull(ports: ReadPorts, request: AuditRequest, { manifest }: ReadAudit): Promise<Roll | null> {
  if (manifest.certs === undefined) return null;
  try {
    using opened = await openWithRoll(ports, request);
    return opened.roll;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
