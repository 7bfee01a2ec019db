import { encodeBase64 } from "../../crypto/base64.ts";
import { generateSigningKey } from "../../crypto/signing.ts";
import { x25519PublicKey } from "../../crypto/x25519.ts";
import type { Random } from "../../ports.ts";
import { type GatewayKey, SIGNS_AFTER_MS } from "../../tokens/backends/gateway-key.ts";
import type { Claims } from "../../tokens/claims.ts";
import { GATEWAY_SIGN } from "../../tokens/permissions.ts";
import type { GatewaySigners } from "../format/tokens/gateway-box.ts";
import { liveIn, type Roll } from "../format/tokens/roll.ts";
import type { VaultTokens } from "./vault-tokens.ts";

const KID_BYTES = 8;
const USAGE_KEY_BYTES = 32;

/**
 * After a gateway loses its token, the old key verifies for this much longer: the other gateways need the time to
 * switch to the new one.
 */
const CHANGEOVER_MS = SIGNS_AFTER_MS + 180_000;

/** Whether a token may sign as the gateway, which its claims must say explicitly. */
export function mayGatewaySign({ permissions }: Pick<Claims, "permissions">): boolean {
  return permissions?.includes(GATEWAY_SIGN) ?? false;
}

/**
 * The keys that a gateway's token signs with. A token bound to a backend gets the keys that list this backend; any
 * other token gets the keys without a list.
 */
export function ownGatewayKeys(keys: readonly GatewayKey[], claims: Claims): readonly GatewayKey[] {
  if (!mayGatewaySign(claims)) return [];
  const { backend } = claims;
  return keys.filter(({ backends }) => (backend === undefined ? backends === undefined : backends?.includes(backend)));
}

export interface Rotation {
  readonly random: Random;
  readonly atMs: number;
  /** How long the replaced keys still verify. */
  readonly overlapMs: number;
  /** As in `GatewayKey`. Only keys with the same list are replaced. */
  readonly backends?: readonly string[] | undefined;
}

/** Adds a new key and ends those for the same backends, which still verify until the overlap is over. */
export function rotatedKey(
  { roll, gatewaySigners, ...others }: VaultTokens,
  { random, atMs, overlapMs, backends }: Rotation,
): { readonly tokens: VaultTokens; readonly key: GatewayKey } {
  const kid = `gw_${Buffer.from(random.bytes(KID_BYTES)).toString("hex")}`;
  const signer = generateSigningKey();
  const limits = backends === undefined ? {} : { backends: backends.toSorted() };
  const key = { kid, public: encodeBase64(signer.publicKey), not_before: new Date(atMs).toISOString(), ...limits };
  const end = new Date(atMs + overlapMs).toISOString();
  const isReplaced = (it: GatewayKey): boolean => JSON.stringify(it.backends) === JSON.stringify(limits.backends);
  const before = (roll.gateway_keys ?? []).map((it) => (isReplaced(it) ? { ...it, not_after: earlier(it, end) } : it));
  return {
    tokens: {
      ...others,
      roll: { ...roll, gateway_keys: [...before, key] },
      gatewaySigners: new Map([...gatewaySigners, [kid, signer]]),
    },
    key,
  };
}

function earlier({ not_after }: { readonly not_after?: string }, end: string): string {
  return not_after !== undefined && not_after < end ? not_after : end;
}

/**
 * Replaces the gateway keys that ended tokens knew. A key that no live token signs with ends at once; otherwise the
 * other gateways get time to switch.
 *
 * @param ended the claims of those tokens
 */
export function withoutKeysOf(
  { roll, anchors, gatewaySigners }: VaultTokens,
  ended: readonly Claims[],
  { random, atMs }: Pick<Rotation, "random" | "atMs">,
): VaultTokens {
  const live = liveIn(roll, atMs);
  const keys = (roll.gateway_keys ?? []).filter((key) => !hasEnded(key, atMs));
  const had = keys.filter((key) => ended.some((claims) => ownGatewayKeys([key], claims).length > 0));
  const lists = new Map(had.map(({ backends }) => [JSON.stringify(backends), backends]));
  let next: VaultTokens = { roll, anchors, gatewaySigners };
  for (const backends of lists.values()) {
    const of = had.filter((key) => JSON.stringify(key.backends) === JSON.stringify(backends));
    const isShared = live.some(({ claims }) => ownGatewayKeys(of, claims).length > 0);
    next = rotatedKey(next, { random, atMs, overlapMs: isShared ? CHANGEOVER_MS : 0, backends }).tokens;
  }
  return next;
}

/** Replaces every gateway key, because a leaked passphrase reveals them all. */
export function renewedKeys(tokens: VaultTokens, { random, atMs }: Pick<Rotation, "random" | "atMs">): VaultTokens {
  const keys = (tokens.roll.gateway_keys ?? []).filter((key) => !hasEnded(key, atMs));
  let next = tokens;
  for (const backends of new Map(keys.map((key) => [JSON.stringify(key.backends), key.backends])).values()) {
    next = rotatedKey(next, { random, atMs, overlapMs: CHANGEOVER_MS, backends }).tokens;
  }
  const { roll } = next;
  return roll.usage_keys === undefined
    ? next
    : { ...next, roll: { ...roll, usage_keys: [...roll.usage_keys, usageKey(random)] } };
}

/** The gateway keys that a change of the roll ends, each with its end. */
export function endingKeys(before: Roll, after: Roll): readonly GatewayKey[] {
  const ends = new Map(before.gateway_keys?.map(({ kid, not_after }) => [kid, not_after]));
  return (after.gateway_keys ?? []).filter(({ kid, not_after }) => ends.has(kid) && ends.get(kid) !== not_after);
}

function hasEnded({ not_after }: Pick<GatewayKey, "not_after">, atMs: number): boolean {
  return not_after !== undefined && Date.parse(not_after) <= atMs;
}

/**
 * The tokens as a commit writes them: without gateway keys that have ended, and with a usage key if a token needs one.
 */
export function settledKeys(
  { roll, gatewaySigners, ...others }: VaultTokens,
  random: Random,
  atMs: number,
): VaultTokens {
  const { gateway_keys, ...rest } = roll;
  const keys = gateway_keys?.filter((key) => !hasEnded(key, atMs));
  const kids = new Set(keys?.map(({ kid }) => kid));
  const needsUsage = rest.usage_keys === undefined && liveIn(roll, atMs).some(({ claims }) => meters(claims));
  return {
    ...others,
    roll: {
      ...rest,
      ...(keys === undefined || keys.length === 0 ? {} : { gateway_keys: keys }),
      ...(needsUsage ? { usage_keys: [usageKey(random)] } : {}),
    },
    gatewaySigners: signersOf(gatewaySigners, kids),
  };
}

function signersOf(signers: GatewaySigners, kids: ReadonlySet<string>): GatewaySigners {
  return new Map([...signers].filter(([kid]) => kids.has(kid)));
}

function meters({ capabilities }: Claims): boolean {
  return capabilities.includes("metering");
}

function usageKey(random: Random): NonNullable<Roll["usage_keys"]>[number] {
  const seed = random.bytes(USAGE_KEY_BYTES);
  const pair = { public: encodeBase64(x25519PublicKey(seed)), private: encodeBase64(seed) };
  seed.fill(0);
  return pair;
}
