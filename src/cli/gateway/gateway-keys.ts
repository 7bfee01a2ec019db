import { decodeCheckedBase64, encodeBase64Url } from "../../crypto/base64.ts";
import { systemClock } from "../../stores/open-store.ts";
import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import type { Committed } from "../../vault/commit/proposal.ts";
import { relativeTime } from "../../vault/format/relative-time.ts";
import type { GatewayKeySummary, GatewayKeysPlan } from "../../vault/tokens/gateway-keys.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";

const COLUMNS = [
  { head: "KID", cell: ({ key }: GatewayKeySummary) => key.kid },
  { head: "MADE", cell: ({ key }: GatewayKeySummary) => agoOf(key.not_before) },
  { head: "BACKENDS", cell: ({ key }: GatewayKeySummary) => key.backends?.join(",") ?? "all" },
  { head: "ENDS", cell: ({ key }: GatewayKeySummary) => agoOf(key.not_after) },
  { head: "GATEWAYS", cell: ({ gateways }: GatewayKeySummary) => gateways.join(",") || "-" },
] as const;

function agoOf(at: string | undefined): string {
  return at === undefined ? "-" : relativeTime(at, systemClock.nowMs());
}

export function renderGatewayKeys(
  keys: readonly GatewayKeySummary[],
  config: LocalConfig,
  { json }: { readonly json?: boolean },
  output: Output,
): void {
  if (json) return output.json({ env: config.env, keys: keys.map(({ key, gateways }) => ({ ...key, gateways })) });
  output.table(COLUMNS, keys);
  if (keys.length === 0) output.say(`no gateway key yet: vsync gateway-keys rotate ${vaultArgs(config)}`);
}

/** The public halves as a JWK Set (RFC 7517, RFC 8037). */
export function renderJwks(keys: readonly GatewayKeySummary[], output: Output): void {
  output.json({ keys: keys.map(({ key }) => jwkOf(key)) });
}

/** A key as a JWK (RFC 7517 §4, RFC 8037 §2). */
export function jwkOf(key: GatewayKey) {
  const x = encodeBase64Url(decodeCheckedBase64(key.public));
  return { kty: "OKP", crv: "Ed25519", x, kid: key.kid, use: "sig", alg: "EdDSA" };
}

/** Shows a new key, or with `made` null a revoked one. */
export function renderGatewayKeysChange(
  { made, ending, origins, gen }: GatewayKeysPlan,
  committed: Committed,
  config: LocalConfig,
  { json }: { readonly json?: boolean },
  output: Output,
): void {
  const { env } = config;
  const newest = committed.manifest.gen;
  if (json) {
    const ends = ending.map(({ key }) =>
      made === null ? { kid: key.kid } : { kid: key.kid, not_after: key.not_after },
    );
    output.json({ env, gen: newest, made: made?.key ?? null, ending: ends });
  } else if (made !== null) output.line(made.key.kid);
  const what = made === null ? `Gateway key ${ending[0]?.key.kid} of ${env} revoked` : `Gateway key of ${env} made`;
  output.done(`${what} (gen=${newest})`);
  if (made === null) {
    output.say("origins refuse what it signs once they have read the vault again, within a minute");
    output.say(
      `generations up to ${gen} hold its private half, until vsync gc ${vaultArgs(config)} --keep=1 --older-than=0s`,
    );
  } else sayRotation(made, ending, origins, config, output);
  warnOfAuditFault(committed, config, output);
}

function sayRotation(
  { gateways, key }: GatewayKeySummary,
  ending: GatewayKeysPlan["ending"],
  origins: number,
  config: LocalConfig,
  output: Output,
): void {
  if (gateways.length > 0) {
    output.say(
      `${listed(gateways)} sign${gateways.length === 1 ? "s" : ""} with it in two minutes, once origins know it`,
    );
  }
  for (const { key: old } of ending) output.say(`${old.kid} verifies until ${old.not_after} (${agoOf(old.not_after)})`);
  if (origins === 0)
    output.say("no token verifies requests yet: give an origin's token --capabilities=gateway_verification");
  if (gateways.length > 0) return;
  const backend = key.backends === undefined ? "" : ` --backend=${key.backends[0]}`;
  const flags = `--no-secrets --permissions=api.gateway.sign,api.tokens.verify${backend}`;
  output.say(`no token signs with it yet: vsync tokens create ${vaultArgs(config)} --name=gateway ${flags}`);
}
