import { decodeCheckedBase64 as decode } from "../../crypto/base64.ts";
import { backendSettingsIn } from "../../tokens/backends/settings.ts";
import { parseBatchKey } from "../../usage/batch.ts";
import type { LedgerRules } from "../../usage/ledger.ts";
import type { TokenFacts } from "../../usage/read-batch.ts";
import { readAudit } from "../audit/chain.ts";
import { mayGatewaySign } from "../commit/gateway-keys.ts";
import type { AuditRow } from "../format/audit-row.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Roll, TokenRecord } from "../format/tokens/roll.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";

/** The part of the rules for batches that the vault defines. */
export type VaultRules = Pick<LedgerRules, "vault" | "usageKeys" | "tokenFacts" | "meters" | "routeLimits">;

/**
 * @param keys the object keys of the batches; for tokens that the roll has dropped, it reads the audit rows
 */
export async function vaultRules(
  ports: ReadPorts,
  request: OpenRequest,
  { manifest, roll }: { readonly manifest: Manifest; readonly roll: Roll },
  keys: readonly string[],
): Promise<VaultRules> {
  const facts = new Map(roll.tokens.map((record) => [record.claims.id, factsOf(record)]));
  const writers = new Set(keys.flatMap((key) => parseBatchKey(key)?.token ?? []));
  const dropped = [...writers].filter((id) => !facts.has(id));
  if (dropped.length > 0) for (const [id, fact] of await droppedFacts(ports, request, dropped)) facts.set(id, fact);
  const { meters: known, routes = [] } = backendSettingsIn(roll.settings) ?? {};
  const limits = new Map(routes.map((route) => [route.id, route]));
  return {
    vault: manifest.vault,
    usageKeys: roll.usage_keys?.map((pair) => decode(pair.private)) ?? [],
    tokenFacts: (id) => facts.get(id) ?? null,
    meters: known === undefined ? undefined : new Set(known.map(({ key }) => key)),
    routeLimits: (id) => limits.get(id),
  };
}

function factsOf({ claims, revoked_at }: TokenRecord): TokenFacts {
  const ends = [revoked_at, claims.not_after].flatMap((end) => (end === undefined ? [] : Date.parse(end)));
  return {
    backend: claims.backend,
    metering: claims.capabilities.includes("metering"),
    isGateway: mayGatewaySign(claims),
    meters: claims.meters,
    endedMs: ends.length === 0 ? null : Math.min(...ends),
  };
}

/**
 * Facts on tokens that ended so long ago that the roll has dropped them. Audit rows say what they were allowed, and
 * when they ended.
 */
async function droppedFacts(
  ports: ReadPorts,
  request: OpenRequest,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TokenFacts>> {
  const { rows } = await readAudit(ports, request);
  const facts = new Map<string, TokenFacts>();
  for (const row of rows) noteRow(facts, row);
  return new Map(ids.flatMap((id) => (facts.has(id) ? [[id, facts.get(id) as TokenFacts]] : [])));
}

function noteRow(facts: Map<string, TokenFacts>, { at, action, meta }: Pick<AuditRow, "at" | "action" | "meta">): void {
  const end = endIn(meta);
  const endedBy = (id: string, endMs: number) => {
    const known = facts.get(id);
    if (known !== undefined) facts.set(id, { ...known, endedMs: Math.min(known.endedMs ?? endMs, endMs) });
  };
  if (action === "token-create" || action === "token-update") facts.set(textOf(meta["token"]), factsIn(meta, end));
  const tokens = Array.isArray(meta["tokens"]) ? meta["tokens"] : [];
  if (action === "token-revoke") for (const id of tokens) endedBy(textOf(id), Date.parse(at));
  const isLeak = action === "rotate" && meta["leaked"] === true && meta["tokens"] === "revoke";
  if (isLeak) for (const id of facts.keys()) endedBy(id, Date.parse(at));
  if (action !== "token-rotate") return;
  for (const { token, replaces, ended = [] } of tokens as readonly RotatedPair[]) {
    const old = facts.get(replaces);
    if (old !== undefined) facts.set(token, old);
    for (const id of [replaces, ...ended]) endedBy(id, end ?? Date.parse(at));
  }
}

/** One token in the `meta` of a rotation's row. */
interface RotatedPair {
  readonly token: string;
  readonly replaces: string;
  /** Older tokens that an overlap had left, and that this rotation ends. */
  readonly ended?: readonly string[];
}

function factsIn({ capabilities, gateway }: AuditRow["meta"], endedMs: number | null): TokenFacts {
  const metering = Array.isArray(capabilities) && capabilities.includes("metering");
  return { metering, isGateway: gateway === true, endedMs };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function endIn({ not_after }: AuditRow["meta"]): number | null {
  return typeof not_after === "string" ? Date.parse(not_after) : null;
}
