import type { JsonValue } from "../canonical-json.ts";
import { type At, elementsOf, requireDistinct, requireText } from "./given.ts";

/** The permissions of version 1, in the order that a layer without `permissions` has them. */
export const PERMISSIONS = [
  "secrets.items.read",
  "tunnels.tunnels.create-delete",
  "tunnels.streams.create-delete",
  "tunnels.tunnels.list",
  "api.tokens.create",
  "api.tokens.verify",
] as const;
/** Signing requests as the gateway. A layer has it only if its `permissions` list it. */
export const GATEWAY_SIGN = "api.gateway.sign";
const NAMEABLE = [...PERMISSIONS, GATEWAY_SIGN] as const;
export type Permission = (typeof NAMEABLE)[number];

/** What a token may do besides reading secrets. */
export const CAPABILITIES = ["gateway_verification", "metering", "health", "tunnel"] as const;
export type Capability = (typeof CAPABILITIES)[number];

export function isPermission(name: string): name is Permission {
  return NAMEABLE.some((permission) => permission === name);
}

/** The permissions in effect. Absent `permissions` mean all of them, but with grants none of `api.*`. */
export function permissionsOf({
  permissions,
  grants,
}: {
  readonly permissions?: readonly string[] | undefined;
  readonly grants?: JsonValue | undefined;
}): readonly string[] {
  return permissions ?? PERMISSIONS.filter((name) => grants === undefined || !isApiPermission(name));
}

/** Grants do not limit permissions of `api.*`. */
export function isApiPermission(name: string): boolean {
  return name.startsWith("api.");
}

/**
 * @throws what `refuse` makes, also for a repeated name
 */
export function requireKnownPermissions(at: At): void {
  const names = elementsOf(at);
  for (const name of names) {
    if (isPermission(requireText(name))) continue;
    const known = NAMEABLE.join(", ");
    throw at.refuse(name.path, `${JSON.stringify(name.value)} is not a permission: use any of ${known}`);
  }
  requireDistinct(names);
}
