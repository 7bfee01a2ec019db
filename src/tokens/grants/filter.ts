import { isObject } from "../../canonical-json.ts";
import { isCanonicalPath, pathOf } from "../canonical-path.ts";
import { type At, elementsOf, membersOf, namedMembersOf, requireText } from "../given.ts";
import { Pattern, patternFault } from "./pattern.ts";

/**
 * Filters and matchers: conditions on a property, a label or a path. Their JSON is checked once, into the form below,
 * and can then be matched many times.
 */

export type Scalar = string | number | boolean;

export type Matcher =
  | { readonly kind: "oneof"; readonly values: readonly Scalar[] }
  /** Also written as a bare scalar. On `create`, it forces a property that the request lacks. */
  | { readonly kind: "exact"; readonly value: Scalar }
  | { readonly kind: "regex"; readonly pattern: Pattern }
  | { readonly kind: "not"; readonly matcher: Matcher };

type Named = readonly (readonly [name: string, matcher: Matcher])[];

export interface Filter {
  readonly properties: Named;
  readonly labels: Named;
  readonly and: readonly Filter[];
  readonly or: readonly Filter[] | null;
}

const MAX_DEPTH = 8;
const MAX_BRANCHES = 64;
const MAX_NODES = 1024;
const MAX_PATTERNS = 16;

/** Enforces the limits for all grants together, and collects their patterns. */
export class Budget {
  readonly patterns: Pattern[] = [];
  #nodes = 0;

  node({ path, refuse }: At): void {
    if (++this.#nodes > MAX_NODES) throw refuse(path, `is more than ${MAX_NODES} filters and matchers`);
  }

  pattern({ path, refuse }: At, source: string): Pattern {
    const pattern = new Pattern(source);
    if (this.patterns.push(pattern) > MAX_PATTERNS) throw refuse(path, `is more than ${MAX_PATTERNS} patterns`);
    return pattern;
  }
}

/** `depth` is the level of this filter: 1 for `filters` itself. */
export function parseFilter(at: At, budget: Budget, depth = 1): Filter {
  requireDepth(at, depth);
  budget.node(at);
  const properties: [string, Matcher][] = [];
  let labels: Named = [];
  let and: readonly Filter[] = [];
  let or: readonly Filter[] | null = null;
  for (const [name, member] of namedMembersOf(at)) {
    if (name === "AND") and = parseBranches(member, budget, depth);
    else if (name === "OR") or = parseBranches(member, budget, depth);
    else if (name === "labels") labels = parseLabels(member, budget, depth);
    else properties.push([name, parseMatcher(member, budget, depth + 1)]);
  }
  return { properties, labels, and, or };
}

function parseBranches(at: At, budget: Budget, depth: number): readonly Filter[] {
  const branches = elementsOf(at);
  if (branches.length < 1 || branches.length > MAX_BRANCHES) {
    throw at.refuse(at.path, `must have 1\u2026${MAX_BRANCHES} filters`);
  }
  return branches.map((branch) => parseFilter(branch, budget, depth + 1));
}

function parseLabels(at: At, budget: Budget, depth: number): Named {
  return namedMembersOf(at).map(([name, member]) => [name, parseMatcher(member, budget, depth + 1)]);
}

/** `depth` is the matcher's level if it is an object; a scalar has no level. */
export function parseMatcher(at: At, budget: Budget, depth: number): Matcher {
  budget.node(at);
  if (!isObject(at.value)) return { kind: "exact", value: requireScalar(at) };
  requireDepth(at, depth);
  const [kind, member] = requireOneMember(at, ["exact", "oneof", "regex", "NOT"]);
  switch (kind) {
    case "exact":
      return { kind, value: requireScalar(member) };
    case "oneof":
      return { kind, values: parseScalars(member) };
    case "regex":
      return { kind, pattern: parsePattern(member, budget) };
    default:
      if (isObject(member.value)) requireOneMember(member, ["exact", "oneof", "regex"]);
      return { kind: "not", matcher: parseMatcher(member, budget, depth + 1) };
  }
}

function requireOneMember(at: At, known: readonly string[]): readonly [name: string, member: At] {
  const members = membersOf(at);
  const unknown = members.find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw at.refuse(unknown[1].path, `is not a matcher: use one of ${known.join(", ")}`);
  const [first] = members;
  if (first === undefined || members.length > 1) throw at.refuse(at.path, `must have one of ${known.join(", ")}`);
  return first;
}

function parseScalars(at: At): readonly Scalar[] {
  const values = elementsOf(at);
  if (values.length === 0) throw at.refuse(at.path, "must not be empty");
  return values.map(requireScalar);
}

function requireScalar(at: At): Scalar {
  const { value, path, refuse } = at;
  if (typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value !== "string")
    throw refuse(path, "must be a string, true, false or an integer from 0 to 2^53\u22121");
  return requireText(at);
}

function parsePattern(at: At, budget: Budget): Pattern {
  const source = requireText(at);
  const fault = patternFault(source);
  if (fault !== null) throw at.refuse(at.path, `the pattern ${fault}`);
  return budget.pattern(at, source);
}

function requireDepth({ path, refuse }: At, depth: number): void {
  if (depth > MAX_DEPTH) throw refuse(path, `is more than ${MAX_DEPTH} levels deep`);
}

/** The properties of a request: its own, and those forced by grants. */
export class Properties {
  readonly #own: Readonly<Record<string, unknown>>;
  readonly #forced: ReadonlyMap<string, Scalar>;

  constructor(own: Readonly<Record<string, unknown>>, forced: ReadonlyMap<string, Scalar> = new Map()) {
    this.#own = own;
    this.#forced = forced;
  }

  /** Undefined if the request lacks it. Inherited properties such as `toString` do not count. */
  get(name: string): unknown {
    const own = Object.hasOwn(this.#own, name) ? this.#own[name] : undefined;
    return own === undefined ? this.#forced.get(name) : own;
  }

  get forced(): ReadonlyMap<string, Scalar> {
    return this.#forced;
  }

  /** Adds what `filter` forces if the request says nothing: exact values at its top level, and in a top-level AND. */
  forcedBy(filter: Filter): Properties {
    const forced = new Map(this.#forced);
    for (const { properties } of [filter, ...filter.and]) {
      for (const [name, matcher] of properties) {
        if (matcher.kind !== "exact" || forced.has(name) || this.get(name) !== undefined) continue;
        forced.set(name, matcher.value);
      }
    }
    return new Properties(this.#own, forced);
  }
}

export function filterHolds(filter: Filter, request: Properties): boolean {
  return (
    filter.properties.every(([name, matcher]) => matches(matcher, request.get(name))) &&
    (filter.labels.length === 0 || labelsHold(filter.labels, request.get("labels"))) &&
    filter.and.every((inner) => filterHolds(inner, request)) &&
    (filter.or === null || filter.or.some((inner) => filterHolds(inner, request)))
  );
}

function labelsHold(wanted: Named, labels: unknown): boolean {
  if (!isObject(labels)) return false;
  return wanted.every(([name, matcher]) => {
    const label = Object.hasOwn(labels, name) ? labels[name] : undefined;
    return typeof label === "string" && matches(matcher, label);
  });
}

/** A path that is absent or not canonical matches nothing. `target` may have a query. */
export function pathMatches(matcher: Matcher, target: string | undefined): boolean {
  if (target === undefined) return false;
  const path = pathOf(target);
  return isCanonicalPath(path) && matches(matcher, path);
}

/**
 * A missing property matches nothing, not even NOT: otherwise forcing a property could break a filter that matched
 * before.
 */
function matches(matcher: Matcher, value: unknown): boolean {
  if (value === undefined) return false;
  switch (matcher.kind) {
    case "exact":
      return value === matcher.value;
    case "oneof":
      return matcher.values.some((one) => value === one);
    case "regex":
      return typeof value === "string" && matcher.pattern.finds(value);
    default:
      return !matches(matcher.matcher, value);
  }
}
