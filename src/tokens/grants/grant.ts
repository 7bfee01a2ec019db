import { isObject, type JsonValue } from "../../canonical-json.ts";
import { type At, elementsOf, membersOf, namedMembersOf, type RefuseAt, refuseGiven, requireText } from "../given.ts";
import { Budget, type Filter, type Matcher, parseFilter, parseMatcher } from "./filter.ts";
import type { Pattern } from "./pattern.ts";

/** The JSON of a matcher (docs/format.md, Permissions and grants). */
export type MatcherJson =
  | string
  | number
  | boolean
  | { readonly exact: string | number | boolean }
  | { readonly oneof: readonly (string | number | boolean)[] }
  | { readonly regex: string }
  | { readonly NOT: MatcherJson };

/** The JSON of a filter: property → matcher; `labels`; `AND`, `OR`. All members must match. */
export type FilterJson = {
  readonly [property: string]: MatcherJson | { readonly [label: string]: MatcherJson } | readonly FilterJson[];
};

/** The JSON of a grant: the calls that it applies to, and what it allows them. */
export type Grant = {
  readonly workspaces?: readonly string[];
  readonly projects?: readonly string[];
  readonly scopes?: {
    readonly secrets?: { readonly read?: true | { readonly filters?: FilterJson } };
    readonly tunnels?: {
      readonly create?: true | { readonly filters?: FilterJson };
      readonly connect?: true | { readonly filters?: FilterJson; readonly params?: { readonly path: MatcherJson } };
      readonly list?: true | { readonly filters?: FilterJson; readonly select?: Readonly<Record<string, true>> };
    };
  };
};

/** What one operation of a grant requires. */
export interface Operation {
  readonly filter?: Filter;
  readonly path?: Matcher;
  /** The fields that `list` returns; absent means all. */
  readonly select?: readonly string[];
}

/** A grant that is valid as a whole. */
export interface ParsedGrant {
  /** Absent means any. */
  readonly workspaces?: ReadonlySet<string>;
  readonly projects?: ReadonlySet<string>;
  /** Keyed by `<root> <operation>`; absent means everything. */
  readonly operations?: ReadonlyMap<string, Operation>;
}

/** Each root, its operations, and the options of each operation. */
const SCOPES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  secrets: { read: ["filters"] },
  tunnels: { create: ["filters"], connect: ["filters", "params"], list: ["filters", "select"] },
};

/**
 * Checks grants that somebody gives, and returns them unchanged.
 *
 * @throws GrantInvalidError anything unknown, empty or of the wrong type; `path` says where, such as
 * `grants[1].scopes.tunnels`
 */
export function parseGrants(json: unknown, path = "grants"): Grant[] {
  const value = jsonOf(json, path);
  requireGrants({ value, path, refuse: refuseGiven });
  return value as unknown as Grant[];
}

/**
 * Converts a value to JSON and back, so the checks see exactly what is written, without getters and prototypes.
 */
export function jsonOf(given: unknown, path: string): JsonValue {
  let text: string | undefined;
  try {
    text = JSON.stringify(given);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw refuseGiven(path, "must be JSON");
  return JSON.parse(text) as JsonValue;
}

/**
 * @throws what `refuse` makes, at the first fault in any grant
 */
export function requireGrants(at: At): void {
  const budget = new Budget();
  for (const grant of elementsOf(at)) parseGrant(grant, budget);
}

class GrantFault extends Error {}
const fail: RefuseAt = (path, fault) => new GrantFault(`${path}: ${fault}`);

/**
 * Reads the grants of a layer for evaluation: null in place of each grant that is not valid as a whole. Here the limits
 * apply to each grant by itself, because a fault in one must not affect another.
 */
export function readGrants(value: JsonValue): {
  grants: readonly (ParsedGrant | null)[];
  patterns: readonly Pattern[];
} {
  if (!Array.isArray(value)) return { grants: [], patterns: [] };
  const read = elementsOf({ value, path: "grants", refuse: fail }).map(readGrant);
  return { grants: read.map(({ grant }) => grant), patterns: read.flatMap(({ patterns }) => patterns) };
}

function readGrant(at: At): { grant: ParsedGrant | null; patterns: readonly Pattern[] } {
  const budget = new Budget();
  try {
    return { grant: parseGrant(at, budget), patterns: budget.patterns };
  } catch (error) {
    if (error instanceof GrantFault) return { grant: null, patterns: [] };
    throw error;
  }
}

function parseGrant(at: At, budget: Budget): ParsedGrant {
  const members = new Map(membersOf(at));
  for (const [name, { path, refuse }] of members) {
    if (!["workspaces", "projects", "scopes"].includes(name))
      throw refuse(path, "is not a member of a grant: use workspaces, projects, scopes");
  }
  const [workspaces, projects, scopes] = ["workspaces", "projects", "scopes"].map((name) => members.get(name));
  if (workspaces !== undefined && projects !== undefined) {
    throw at.refuse(at.path, "must have workspaces or projects, not both");
  }
  return {
    ...(workspaces === undefined ? {} : { workspaces: parseIds(workspaces) }),
    ...(projects === undefined ? {} : { projects: parseIds(projects) }),
    ...(scopes === undefined ? {} : { operations: new Map(parseScopes(scopes, budget)) }),
  };
}

function parseIds(at: At): ReadonlySet<string> {
  const ids = elementsOf(at);
  if (ids.length === 0) throw at.refuse(at.path, "must not be empty");
  for (const id of ids) if (requireText(id) === "") throw id.refuse(id.path, "must not be empty");
  return new Set(ids.map(requireText));
}

function parseScopes(at: At, budget: Budget): readonly (readonly [string, Operation])[] {
  return membersOf(at).flatMap(([root, scope]) => {
    const known = Object.hasOwn(SCOPES, root) ? SCOPES[root] : undefined;
    if (known === undefined) throw at.refuse(scope.path, "is not a scope: use secrets or tunnels");
    return membersOf(scope).map(([name, operation]) => {
      const allowed = Object.hasOwn(known, name) ? known[name] : undefined;
      if (allowed === undefined) throw at.refuse(operation.path, `is not an operation of ${root}`);
      return [`${root} ${name}`, parseOperation(operation, allowed, budget)] as const;
    });
  });
}

function parseOperation(at: At, allowed: readonly string[], budget: Budget): Operation {
  if (at.value === true) return {};
  if (!isObject(at.value)) throw at.refuse(at.path, "must be true or an object");
  if (Object.keys(at.value).length === 0) return {};
  const members = membersOf(at);
  for (const [name, { path, refuse }] of members)
    if (!allowed.includes(name)) throw refuse(path, "is not an option of this operation");
  const parsed = members.map(([name, member]): Operation => {
    if (name === "filters") return { filter: parseFilter(member, budget) };
    return name === "params" ? { path: parseParams(member, budget) } : { select: parseSelect(member) };
  });
  return Object.assign({}, ...parsed);
}

function parseParams(at: At, budget: Budget): Matcher {
  const members = membersOf(at);
  for (const [name, { path, refuse }] of members)
    if (name !== "path") throw refuse(path, "is not a parameter: use path");
  const [first] = members;
  if (first === undefined) throw at.refuse(at.path, "must have a path");
  return parseMatcher(first[1], budget, 1);
}

function parseSelect(at: At): readonly string[] {
  return namedMembersOf(at).map(([name, { value, path, refuse }]) => {
    if (value !== true) throw refuse(path, "must be true");
    return name;
  });
}
