import { type At, elementsOf, requireDistinct, requireText } from "./given.ts";

/** The permissions of version 1, in the order in which a layer without `permissions` has them. */
export const PERMISSIONS = [
  "secrets.items.read",
  "tunnels.tunnels.create-delete",
  "tunnels.streams.create-delete",
  "tunnels.tunnels.list",
  "api.tokens.create",
  "api.tokens.verify",
] as const;
/** Signing requests as the gateway. A layer has it only if its `permissions` name it. */
export const GATEWAY_SIGN = "api.gateway.sign";
const NAMEABLE = [...PERMISSIONS, GATEWAY_SIGN] as const;
export type Permission = (typeof NAMEABLE)[number];

/** What a token may do apart from reading secrets. */
export const CAPABILITIES = ["gateway_verification", "metering", "health", "tunnel"] as const;
export type Capability = (typeof CAPABILITIES)[number];

export function isPermission(name: string): name is Permission {
  return NAMEABLE.some((permission) => permission === name);
}

/** Permissions of `api.*` are not subject to grants. */
export function isApiPermission(name: string): boolean {
  return name.startsWith("api.");
}

/** @throws what `refuse` makes, also at a name that is listed twice */
export function requireKnownPermissions(at: At): void {
  const names = elementsOf(at);
  for (const name of names) {
    if (isPermission(requireText(name))) continue;
    const known = NAMEABLE.join(", ");
    throw at.refuse(name.path, `${JSON.stringify(name.value)} is not a permission: use any of ${known}`);
  }
  requireDistinct(names);
}
