import type { JsonObject, JsonValue } from "../../../canonical-json.ts";
import { permissionsOf } from "../../../tokens/permissions.ts";
import type { GivenClaims } from "../../../vault/tokens/create.ts";
import {
  type AccessFlags,
  ALL_TUNNELS,
  accessOf,
  contradicts,
  type GivenAccess,
  READ,
  type Secrets,
  secretsGiven,
  TUNNEL_PERMISSIONS,
  tunnelTargets,
} from "./access-flags.ts";

/** Grants on one root; null means everything of it. */
type Part = readonly JsonValue[] | null;

/**
 * Returns new access for a token. Secrets, tunnels and permissions are separate: flags for one leave the others
 * unchanged. An unrestricted token gets what `tokens create` would give it, and so does `--grants`.
 *
 * @throws what `accessOf` throws
 */
export async function accessChange(flags: AccessFlags): Promise<(claims: GivenClaims) => GivenAccess> {
  const anew = await accessOf(flags, { isForWork: false });
  const secrets = secretsGiven(flags);
  const targets = tunnelTargets(flags);
  return ({ permissions, grants }) => {
    if (flags.grants !== undefined || (permissions === undefined && grants === undefined)) return anew;
    const base = flags.permissions ?? permissionsOf({ permissions, grants });
    if (flags.permissions?.includes(READ) && secrets === "none") throw contradicts(`the permission ${READ}`);
    const had = { permissions: base, grants };
    return joined(
      secrets === null ? partOf("secrets", had) : secretsPart(secrets),
      targets === null ? partOf("tunnels", had) : targets.map((target) => ({ ...target, scopes: ALL_TUNNELS })),
      [
        ...base.filter((name) => name !== READ || secrets !== "none"),
        ...(secrets === null || secrets === "none" || base.includes(READ) ? [] : [READ]),
        ...(targets === null || flags.permissions !== undefined || base.some(isOfTunnels) ? [] : TUNNEL_PERMISSIONS),
      ],
    );
  };
}

function secretsPart(secrets: Secrets): Part {
  if (typeof secrets === "string") return secrets === "all" ? null : [];
  return [{ scopes: { secrets: { read: secrets } } }];
}

function isOfTunnels(permission: string): boolean {
  return permission.startsWith("tunnels.");
}

/** The part of the grants that concerns one root. A grant for both roots equals one for each. */
function partOf(root: "secrets" | "tunnels", { permissions, grants }: Required<GivenAccess> | ReadAccess): Part {
  const isPermitted = permissions.some((name) => (root === "secrets" ? name === READ : isOfTunnels(name)));
  if (!isPermitted) return [];
  if (grants === undefined) return null;
  return grants.flatMap((grant) => {
    const { scopes, ...target } = grant as JsonObject;
    const all = root === "secrets" ? { secrets: { read: true } } : ALL_TUNNELS;
    const operations = scopes === undefined ? all[root as keyof typeof all] : (scopes as JsonObject)[root];
    return operations === undefined ? [] : [{ ...target, scopes: { [root]: operations } }];
  });
}

interface ReadAccess {
  readonly permissions: readonly string[];
  readonly grants?: readonly JsonValue[] | undefined;
}

/** Joins the parts in the shortest form. Without grants, a token reads everything, including names added later. */
function joined(secrets: Part, tunnels: Part, given: readonly string[]): GivenAccess {
  const permissions = given.filter(
    (name) => (name !== READ || secrets?.length !== 0) && (!isOfTunnels(name) || tunnels?.length !== 0),
  );
  const isWhole = [secrets, tunnels].every((part) => part === null || part.length === 0);
  if (isWhole) return isDefault(permissions, undefined) ? {} : { permissions };
  const grants = [
    ...(tunnels ?? [{ scopes: ALL_TUNNELS }]),
    ...(secrets ?? [{ scopes: { secrets: { read: true } } }]),
  ] as readonly JsonValue[];
  return isDefault(given, grants) ? { grants } : { permissions: given, grants };
}

/** Whether claims have these permissions by default. */
function isDefault(permissions: readonly string[], grants: readonly JsonValue[] | undefined): boolean {
  const implied = permissionsOf({ grants });
  return implied.length === permissions.length && implied.every((name) => permissions.includes(name));
}
