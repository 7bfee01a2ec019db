import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import { VerificationError } from "../verification-error.ts";

export type { GatewayKey };

/**
 * The key that a request names, if it may sign now. A key that is not valid yet or any more, or that belongs to another
 * gateway, counts as unknown: telling the difference would only help a forger.
 *
 * @throws VerificationError unknown_key_id
 */
export function requireGatewayKey(keys: readonly GatewayKey[], kid: string, atMs: number): GatewayKey {
  const key = keys.find((known) => known.kid === kid);
  if (key === undefined) throw new VerificationError("unknown_key_id", `no gateway key ${JSON.stringify(kid)}`);
  if (key.not_before !== undefined && atMs < Date.parse(key.not_before)) {
    throw new VerificationError("unknown_key_id", `the gateway key ${kid} is valid from ${key.not_before} on`);
  }
  if (key.not_after !== undefined && atMs >= Date.parse(key.not_after)) {
    throw new VerificationError("unknown_key_id", `the gateway key ${kid} ended at ${key.not_after}`);
  }
  return key;
}

/**
 * @throws VerificationError route_mismatch: an edge gateway may only sign for its own origins
 */
export function requireBackendOfKey({ kid, backends }: GatewayKey, backend: string): void {
  if (backends === undefined || backends.includes(backend)) return;
  throw new VerificationError("route_mismatch", `the gateway key ${kid} does not sign for ${JSON.stringify(backend)}`);
}
