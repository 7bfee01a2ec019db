import type { JsonValue } from "../../canonical-json.ts";
import { AuditBrokenError, InputError } from "../../errors.ts";
import { type AuditRequest, type ReadAudit, readAudit } from "../audit/chain.ts";
import { openWithRoll } from "../commit/open-for-commit.ts";
import { type AuditRow, auditRowOf } from "../format/audit-row.ts";
import { liveIn, type Roll } from "../format/tokens/roll.ts";
import type { ReadPorts } from "../open/open-manifest.ts";

/** What a row tells of the tokens that its generation made. */
type TokenRow = Pick<AuditRow, "action" | "meta">;

/**
 * The live tokens that no row tells the creation of, in the roll's order. Somebody who once knew a passphrase wrote them
 * into the roll, in a generation that says it did something else.
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
 * All audit rows, verified, and the tokens of the roll held against them. A holder who only reads verifies the rows alone:
 * the roll is the operators'.
 *
 * @throws AuditBrokenError the rows, or a token that none of them created
 * @throws what `readAudit` throws, and if the vault has tokens what opening throws
 */
export async function verifyTokensToo(ports: ReadPorts, request: AuditRequest): Promise<ReadAudit> {
  const audit = await readAudit(ports, request);
  const roll = audit.manifest.certs === undefined ? null : await rollOrNull(ports, request);
  if (roll === null) return audit;
  const { manifest, rows } = audit;
  const planted = plantedTokens(roll, Date.parse(manifest.at), [...rows, auditRowOf(manifest)]);
  if (planted.length === 0) return audit;
  throw new AuditBrokenError(manifest.gen, `no audit row created ${planted.join(", ")}: somebody planted it`, {
    hint: `look at who knew the passphrase; \`vsync tokens revoke ${planted[0]}\` ends it`,
  });
}

async function rollOrNull(ports: ReadPorts, request: AuditRequest): Promise<Roll | null> {
  try {
    using opened = await openWithRoll(ports, request);
    return opened.roll;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
