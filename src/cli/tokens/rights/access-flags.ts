import { isObject, type JsonObject, type JsonValue } from "../../../canonical-json.ts";
import { readRegularFile } from "../../../disk/given-file.ts";
import { InputError } from "../../../errors.ts";
import { Flags, type Given } from "../../command/flags.ts";
import { parseJson } from "../../import/json.ts";
import { nameFilters } from "./name-filters.ts";

const LIST = { multiple: true, delimiter: "," } as const;
const ACCESS = { helpGroup: "ACCESS" } as const;

/** The flags for what a token may read and do. */
export const ACCESS_FLAGS = {
  only: Flags.string({
    description: "secrets and files that it reads: names, or globs such as REDIS_*",
    helpValue: "<key>,<key>",
    ...LIST,
    ...ACCESS,
  }),
  except: Flags.string({
    description: "names or globs that it does not read",
    helpValue: "<key>,<key>",
    ...LIST,
    ...ACCESS,
  }),
  "all-secrets": Flags.boolean({
    description: "it reads everything, including what you add later",
    exclusive: ["only", "except", "no-secrets", "grants"],
    ...ACCESS,
  }),
  "no-secrets": Flags.boolean({ description: "it reads no secrets", exclusive: ["only", "except"], ...ACCESS }),
  permissions: Flags.string({
    description: "the permissions that it has, such as api.tokens.create",
    helpValue: "<list>",
    ...LIST,
    ...ACCESS,
  }),
  grants: Flags.string({
    description: "grants as JSON, or @ and the file that holds them",
    helpValue: "<json>|@<file>",
    exclusive: ["only", "except", "all-projects", "workspaces", "projects"],
    ...ACCESS,
  }),
  "all-projects": Flags.boolean({
    description: "tunnels of every project, besides the secrets that it reads",
    exclusive: ["workspaces", "projects"],
    ...ACCESS,
  }),
  workspaces: Flags.string({ description: "tunnels of these workspaces", helpValue: "<list>", ...LIST, ...ACCESS }),
  projects: Flags.string({ description: "tunnels of these projects", helpValue: "<list>", ...LIST, ...ACCESS }),
};

export type AccessFlags = Given<typeof ACCESS_FLAGS>;

/** The access that the flags give a token. An absent list means no restriction. */
export interface GivenAccess {
  readonly permissions?: readonly string[];
  readonly grants?: readonly JsonValue[];
}

export const READ = "secrets.items.read";
export const TUNNEL_PERMISSIONS = [
  "tunnels.tunnels.create-delete",
  "tunnels.streams.create-delete",
  "tunnels.tunnels.list",
];
export const ALL_TUNNELS = { tunnels: { create: true, connect: true, list: true } };

/**
 * Turns the flags into permissions and grants.
 *
 * @param isForWork whether the token is for something other than secrets; then it reads none unless a flag names them
 * @throws InputError the flags contradict each other, or the grants are not JSON
 */
export async function accessOf(flags: AccessFlags, { isForWork }: { isForWork: boolean }): Promise<GivenAccess> {
  if (flags.grants !== undefined) return grantedVerbatim(flags, await readGrants(flags.grants));
  const secrets = secretsOf(flags, isForWork);
  const grants = grantsOf(flags, secrets);
  const permissions = permissionsOf(flags, secrets);
  return { ...(permissions === null ? {} : { permissions }), ...(grants === null ? {} : { grants }) };
}

/** All secrets, none, or those that the filters match. */
export type Secrets = "all" | "none" | { readonly filters: JsonObject };

function secretsOf(flags: AccessFlags, isForWork: boolean): Secrets {
  const given = secretsGiven(flags);
  if (given !== null) return given;
  if (flags.permissions !== undefined) return flags.permissions.includes(READ) ? "all" : "none";
  return isForWork ? "none" : "all";
}

/** The secrets that the flags select; null if no flag concerns secrets. */
export function secretsGiven({ only, except, ...flags }: AccessFlags): Secrets | null {
  if (flags["no-secrets"]) return "none";
  if (only !== undefined || except !== undefined) return { filters: nameFilters({ only, except }) };
  return flags["all-secrets"] ? "all" : null;
}

function permissionsOf(flags: AccessFlags, secrets: Secrets): readonly string[] | null {
  const { permissions } = flags;
  if (permissions !== undefined) {
    if (secrets === "none" && permissions.includes(READ)) throw contradicts(`the permission ${READ}`);
    return secrets === "none" || permissions.includes(READ) ? permissions : [...permissions, READ];
  }
  if (secrets !== "none") return null;
  return tunnelTargets(flags) !== null ? TUNNEL_PERMISSIONS : [];
}

function grantsOf(flags: AccessFlags, secrets: Secrets): readonly JsonValue[] | null {
  const reads = typeof secrets === "string" ? null : [{ scopes: { secrets: { read: secrets } } }];
  const targets = tunnelTargets(flags);
  if (targets === null || (flags["all-projects"] && reads === null)) return reads;
  if (secrets === "none") return targets;
  // Without scopes, a grant for this vault's own project would read all its secrets.
  const tunnels = targets.map((target) => ({ ...target, scopes: ALL_TUNNELS }));
  return [...tunnels, ...(reads ?? [{ scopes: { secrets: { read: true } } }])] as readonly JsonValue[];
}

/** The targets of the flags for tunnels, each the start of a grant; null if there are none. */
export function tunnelTargets(flags: AccessFlags): readonly { readonly [name: string]: readonly string[] }[] | null {
  const { workspaces, projects } = flags;
  const targets = [
    ...(flags["all-projects"] ? [{}] : []),
    ...(workspaces === undefined ? [] : [{ workspaces }]),
    ...(projects === undefined ? [] : [{ projects }]),
  ];
  return targets.length === 0 ? null : targets;
}

/** Only grants that name `secrets` may give any: others must not happen to read a password. */
function grantedVerbatim({ permissions, ...flags }: AccessFlags, grants: readonly JsonValue[]): GivenAccess {
  const namesSecrets = grants.some((grant) => scopesOf(grant).includes("secrets"));
  if (flags["no-secrets"] && permissions?.includes(READ)) throw contradicts(`the permission ${READ}`);
  if (flags["no-secrets"] && namesSecrets) throw contradicts("the grants, which name secrets");
  if (permissions !== undefined) return { permissions, grants };
  return namesSecrets ? { grants } : { permissions: TUNNEL_PERMISSIONS, grants };
}

export function contradicts(what: string): InputError {
  return new InputError(`--no-secrets contradicts ${what}`, { hint: "give one of them" });
}

function scopesOf(grant: JsonValue): readonly string[] {
  const scopes = isObject(grant) ? grant["scopes"] : undefined;
  return isObject(scopes) ? Object.keys(scopes) : [];
}

const MAX_GRANTS_BYTES = 64 * 1024;

export async function readGrants(given: string): Promise<readonly JsonValue[]> {
  const path = given.startsWith("@") ? given.slice(1) : null;
  const text = path === null ? given : await textOf(path);
  const grants = parseJson(text, path ?? "--grants", GRANTS_HINT);
  if (!Array.isArray(grants)) throw new InputError("--grants is not an array of grants", { hint: GRANTS_HINT });
  return grants;
}

const GRANTS_HINT = 'as in --grants=\'[{"projects":["web"]}]\', or --grants=@grants.json';

async function textOf(path: string): Promise<string> {
  const { bytes } = await readRegularFile(path, MAX_GRANTS_BYTES, GRANTS_HINT);
  return new TextDecoder().decode(bytes);
}

/** Patterns for paths that also match a longer first segment: `^/api` matches `/apiary`. */
export function looseConnectPaths(grants: readonly JsonValue[] = []): readonly string[] {
  const patterns = grants.flatMap((grant) => {
    let value: JsonValue | undefined = grant;
    for (const name of ["scopes", "tunnels", "connect", "params", "path", "regex"]) {
      value = isObject(value) ? value[name] : undefined;
    }
    return typeof value === "string" ? [value] : [];
  });
  return patterns.filter((pattern) => /[A-Za-z0-9_-]$/.test(pattern));
}
