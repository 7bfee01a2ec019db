import { decodeCheckedBase64 as decode } from "../../crypto/base64.ts";
import { backendSettingsIn } from "../../tokens/backends/settings.ts";
import { parseBatchKey } from "../../usage/batch.ts";
import type { LedgerRules, TokenFacts } from "../../usage/ledger.ts";
import { readAudit } from "../audit/chain.ts";
import { mayGatewaySign } from "../commit/gateway-keys.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Roll, TokenRecord } from "../format/tokens/roll.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";

/** What batches are judged by, as far as the vault says it. */
export type VaultRules = Pick<LedgerRules, "vault" | "usageKeys" | "tokenFacts" | "meters" | "routeLimits">;

/** @param keys those of the objects that are there: for tokens that the roll has dropped the audit rows are read */
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

/** Of a token that ended so long ago that the roll has dropped it: rows tell that it was, and when it ended. */
async function droppedFacts(
  ports: ReadPorts,
  request: OpenRequest,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TokenFacts>> {
  const { rows } = await readAudit(ports, request);
  const facts = new Map<string, TokenFacts>();
  for (const { at, action, meta } of rows.toReversed()) {
    const text = JSON.stringify(meta);
    for (const id of ids.filter((it) => text.includes(it))) {
      const isMade = action === "token-create" || (action === "token-rotate" && text.includes(`"token":"${id}"`));
      if (isMade) facts.set(id, { metering: true, isGateway: true, endedMs: null });
      const known = facts.get(id);
      const isEnded = action === "token-revoke" || (action === "token-rotate" && text.includes(`"replaces":"${id}"`));
      if (isEnded && known !== undefined) facts.set(id, { ...known, endedMs: Date.parse(at) });
    }
  }
  return facts;
}
