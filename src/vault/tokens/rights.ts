import { isObject, type JsonObject, type JsonValue } from "../../canonical-json.ts";
import type { Claims } from "../../tokens/claims.ts";
import { type GrantedFrom, grantedItems } from "../../tokens/grants/granted-items.ts";
import { isApiPermission, type Permission, permissionsOf } from "../../tokens/permissions.ts";

/**
 * What a change of claims gives a token and takes from it, as nouns: first names of the vault, then everything else.
 */
export interface RightsChange {
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/**
 * Compares what two sets of claims allow, in this vault and anywhere. If it cannot tell whether the old pattern covers
 * a new one, it reports a gain.
 *
 * @param before null for a token that has ended and may do nothing
 */
export async function compareRights(before: Claims | null, after: Claims, vault: GrantedFrom): Promise<RightsChange> {
  const [had, has] = [before === null ? NOTHING : rightsOf(before, vault), rightsOf(after, vault)];
  const from = withNames(vault, [...had.names, ...has.names]);
  const couldRead = new Set(before === null ? [] : (await grantedItems(before, from)).items);
  const reads = new Set((await grantedItems(after, from)).items);
  const end = before === null ? NO_CHANGE : endChange(before, after);
  return {
    gains: [...[...reads].filter((name) => !couldRead.has(name)), ...uncovered(has.rights, had.rights), ...end.gains],
    loses: [...[...couldRead].filter((name) => !reads.has(name)), ...uncovered(had.rights, has.rights), ...end.loses],
  };
}

/** One thing that claims allow. */
interface Right {
  /** Only rights with the same subject can cover each other. */
  readonly subject: string;
  /** Null means any. */
  readonly target: string | null;
  /** Conditions that must all hold. Empty means unlimited. */
  readonly limits: readonly string[];
  /** The right as a noun, for messages. */
  readonly noun: string;
}

interface Rights {
  readonly rights: readonly Right[];
  /** Secrets granted by name, including names that the vault does not have. */
  readonly names: readonly string[];
}

const NOTHING: Rights = { rights: [], names: [] };
const NO_CHANGE: RightsChange = { gains: [], loses: [] };

function uncovered(rights: readonly Right[], by: readonly Right[]): readonly string[] {
  const nouns = rights.filter((right) => !by.some((other) => covers(other, right))).map(({ noun }) => noun);
  return [...new Set(nouns)];
}

function covers(one: Right, other: Right): boolean {
  if (one.subject !== other.subject || (one.target !== null && one.target !== other.target)) return false;
  return one.limits.every((limit) => other.limits.includes(limit));
}

/** The vault as if it had these names too. */
function withNames(vault: GrantedFrom, names: readonly string[]): GrantedFrom {
  const missing = [...new Set(names)].filter((name) => !vault.items.some((item) => item.name === name));
  return { ...vault, items: [...vault.items, ...missing.map((name) => ({ name, kind: "secret" }))] };
}

function endChange({ not_after: had }: Claims, { not_after: has }: Claims): RightsChange {
  if (had === has) return NO_CHANGE;
  const words = `end (${has ?? "never"}, was ${had ?? "never"})`;
  const isLater = had !== undefined && (has === undefined || has > had);
  return isLater ? { gains: [`a later ${words}`], loses: [] } : { gains: [], loses: [`time, by an earlier ${words}`] };
}

function rightsOf(claims: Claims, vault: GrantedFrom): Rights {
  const permissions = permissionsOf(claims);
  const operations = OPERATIONS.filter(({ permission }) => permissions.includes(permission));
  const secrets = operations.some(({ root }) => root === "secrets") ? secretRights(claims, vault) : NOTHING;
  const { capabilities, meters, routes, backend } = claims;
  return {
    names: secrets.names,
    rights: [
      ...secrets.rights,
      ...operations.flatMap((operation) => (operation.root === "tunnels" ? tunnelRights(operation, claims) : [])),
      ...permissions.filter(isApiPermission).map((name) => plain(name, `the permission ${name}`)),
      ...capabilities.map((name) => plain(name, `the capability ${name}`)),
      ...listed("meter", meters),
      ...listed("route", routes),
      ...listed("backend", backend === undefined ? undefined : [backend]),
    ],
  };
}

const OPERATIONS: readonly {
  readonly root: "secrets" | "tunnels";
  readonly operation: string;
  readonly permission: Permission;
  readonly verb: string;
}[] = [
  { root: "secrets", operation: "read", permission: "secrets.items.read", verb: "read" },
  { root: "tunnels", operation: "create", permission: "tunnels.tunnels.create-delete", verb: "create tunnels" },
  { root: "tunnels", operation: "connect", permission: "tunnels.streams.create-delete", verb: "connect to tunnels" },
  { root: "tunnels", operation: "list", permission: "tunnels.tunnels.list", verb: "list tunnels" },
];

function plain(subject: string, noun: string): Right {
  return { subject, target: null, limits: [], noun };
}

/** An allow-list; if absent, everything is allowed. */
function listed(what: string, names: readonly string[] | undefined): readonly Right[] {
  if (names === undefined) return [plain(what, `every ${what}`)];
  return names.map((name) => ({ subject: what, target: null, limits: [name], noun: `the ${what} ${name}` }));
}

/** What one grant says about an operation, for one of its targets. */
interface Granted {
  /** Such as `workspace web`; null for any. */
  readonly target: string | null;
  readonly limits: JsonObject;
}

function grantedFor(root: string, operation: string, { grants }: Claims): readonly Granted[] {
  if (grants === undefined) return [{ target: null, limits: {} }];
  return grants.flatMap((value) => {
    const { scopes, workspaces, projects } = objectOf(value);
    const limits = scopes === undefined ? true : objectOf(objectOf(scopes)[root])[operation];
    if (limits === undefined) return [];
    const targets = [...targetsOf("workspace", workspaces), ...targetsOf("project", projects)];
    const isAny = workspaces === undefined && projects === undefined;
    return (isAny ? [null] : targets).map((target) => ({ target, limits: objectOf(limits) }));
  });
}

function targetsOf(what: string, ids: JsonValue | undefined): readonly string[] {
  return Array.isArray(ids) ? ids.map((id: string) => `${what} ${id}`) : [];
}

function tunnelRights({ operation, verb }: (typeof OPERATIONS)[number], claims: Claims): readonly Right[] {
  return grantedFor("tunnels", operation, claims).map(({ target, limits: { filters, ...others } }) => {
    const more = Object.entries(others).map(([name, value]) => JSON.stringify({ [name]: value }));
    const limits = [...conditionsOf(filters), ...more];
    const where = limits.length === 0 ? "" : ` with ${limits.join(" and ")}`;
    const noun = `the right to ${verb} of ${target ?? "any project"}${where}`;
    return { subject: `tunnels ${operation}`, target, limits, noun };
  });
}

/**
 * Compares secrets granted by name one by one, and other grants by their filters. Grants for other vaults do not matter
 * here.
 */
function secretRights(claims: Claims, { repo, env }: GrantedFrom): Rights {
  const here = [null, `workspace ${repo}`, `project ${repo}/${env}`];
  const granted = grantedFor("secrets", "read", claims).filter(({ target }) => here.includes(target));
  const arms = granted.flatMap(({ limits: { filters } }) => armsOf(objectOf(filters)));
  const named = arms.map(namesIn);
  const open = arms.filter((_, at) => named[at] === null);
  return { names: named.flatMap((names) => names ?? []), rights: open.map(secretRight) };
}

function secretRight(filter: JsonObject): Right {
  const limits = conditionsOf(filter);
  const what = limits.length === 0 ? "everything" : limits.map(namesInWords).join(" and ");
  return { subject: "secrets read", target: null, limits, noun: `${what}, including names added later` };
}

/** Puts the conditions made by `--only` and `--except` into words, and shows others as JSON. */
function namesInWords(condition: string): string {
  const { name } = objectOf(JSON.parse(condition));
  const { regex, NOT } = objectOf(name);
  const { regex: excluded } = objectOf(NOT);
  if (typeof regex === "string") return `names that match ${regex}`;
  if (typeof excluded === "string") return `names that do not match ${excluded}`;
  return typeof NOT === "string" ? `names other than ${NOT}` : `what ${condition} matches`;
}

/** The alternatives of a filter. */
function armsOf(filter: JsonObject): readonly JsonObject[] {
  const { OR, ...others } = filter;
  if (!Array.isArray(OR) || Object.keys(others).length > 0) return [filter];
  return OR.flatMap((arm: JsonValue) => armsOf(objectOf(arm)));
}

/** Every name that the filter can match; null if it cannot list them. */
function namesIn(filter: JsonObject): readonly string[] | null {
  const { name, AND, OR } = filter;
  const byName = exactNames(name);
  if (byName !== null) return byName;
  const parts = (list: JsonValue | undefined) => (Array.isArray(list) ? list : []).map((it) => namesIn(objectOf(it)));
  const alternatives = parts(OR);
  if (alternatives.length > 0 && !alternatives.includes(null)) return alternatives.flatMap((names) => names ?? []);
  return parts(AND).find((names) => names !== null) ?? null;
}

function exactNames(matcher: JsonValue | undefined): readonly string[] | null {
  const { exact, oneof } = objectOf(matcher);
  const names =
    typeof matcher === "string" ? [matcher] : Array.isArray(oneof) ? oneof : exact === undefined ? null : [exact];
  return names === null ? null : names.map(String);
}

/** The conditions of a filter. All must hold, so each one more makes it narrower. */
function conditionsOf(filter: JsonValue | undefined): readonly string[] {
  return Object.entries(objectOf(filter)).flatMap(([name, value]) => {
    if (name === "AND" && Array.isArray(value)) return value.flatMap(conditionsOf);
    const { NOT } = objectOf(value);
    const { oneof } = objectOf(NOT);
    if (!Array.isArray(oneof)) return [JSON.stringify({ [name]: value })];
    return oneof.map((it: JsonValue) => JSON.stringify({ [name]: { NOT: it } }));
  });
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
