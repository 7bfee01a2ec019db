import { isObject, type JsonValue } from "../../canonical-json.ts";
import { isApiPermission, isPermission, type Permission, permissionsOf } from "../permissions.ts";
import { filterHolds, Properties, pathMatches, type Scalar } from "./filter.ts";
import { type Operation, type ParsedGrant, readGrants } from "./grant.ts";
import type { Pattern } from "./pattern.ts";
import { authFault, connectionFault, type Facts, type ParsedSettings, readSettings } from "./settings.ts";

/** The stored or signed limits of a token. An absent member does not limit. */
export interface LayerJson {
  readonly permissions?: JsonValue | undefined;
  readonly grants?: JsonValue | undefined;
}

/** What somebody wants to do: an operation on a target, or only `permission` for one of `api.*`. */
export interface AuthorizationRequest {
  readonly root?: string;
  readonly operation?: string;
  /** For secrets a repo; otherwise whatever the service calls a workspace. */
  readonly workspace?: string;
  /** For secrets `<repo>/<env>`. */
  readonly project?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  /** The same as `properties.labels`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The path of an HTTP request, on `connect`, with or without its query. */
  readonly path?: string;
  readonly facts?: Facts;
  readonly permission?: string;
}

/** The layer that denies: the table of operations, the vault's settings, the stored claims, or the access token's. */
export type LayerName = "operations" | "settings" | "stored" | "access";

export type Decision =
  | {
      readonly allowed: true;
      /** On `create`: what the grants force, in addition to the request's own properties. */
      readonly properties?: Readonly<Record<string, Scalar>>;
      /** On `list`: the fields that may be shown, sorted by code point; true means all. */
      readonly fields?: true | readonly string[];
    }
  | { readonly allowed: false; readonly layer: LayerName; readonly reason: string };

/** What one layer says. `grants` lists the positions of those that allow; empty if the layer has no grants. */
export interface Verdict {
  readonly layer: LayerName;
  readonly allowed: boolean;
  readonly grants: readonly number[];
  readonly reason?: string;
}

/** Each operation and its permission. */
const OPERATIONS: ReadonlyMap<string, Permission> = new Map([
  ["secrets read", "secrets.items.read"],
  ["tunnels create", "tunnels.tunnels.create-delete"],
  ["tunnels connect", "tunnels.streams.create-delete"],
  ["tunnels list", "tunnels.tunnels.list"],
]);

/** A layer, parsed once. */
export class Layer {
  readonly name: LayerName;
  readonly #permissions: ReadonlySet<string>;
  readonly #grants: readonly (ParsedGrant | null)[] | null;
  readonly #patterns: readonly Pattern[];

  constructor(name: LayerName, { permissions, grants }: LayerJson) {
    this.name = name;
    const own = permissions === undefined || Array.isArray(permissions) ? permissions : [];
    this.#permissions = new Set(permissionsOf({ permissions: own, grants }));
    const read = grants === undefined ? { grants: null, patterns: [] } : readGrants(grants);
    this.#grants = read.grants;
    this.#patterns = read.patterns;
  }

  /** Compiles its patterns. Call it once before `judge`. */
  async prepare(): Promise<this> {
    for (const pattern of this.#patterns) await pattern.prepare();
    return this;
  }

  has(permission: Permission): boolean {
    return this.#permissions.has(permission);
  }

  /**
   * The grants that allow the operation by themselves, in order; null if the layer has no grants and so allows
   * everything.
   */
  matching(name: string, request: AuthorizationRequest, properties: Properties): readonly Match[] | null {
    if (this.#grants === null) return null;
    const matches: Match[] = [];
    for (const [at, grant] of this.#grants.entries()) {
      const operation = grant === null ? null : operationOf(grant, name, request);
      const after = operation === null ? null : propertiesAfter(operation, name, request, properties);
      if (operation === null || after === null) continue;
      matches.push({ at, operation, properties: after });
      if (name !== "tunnels list") break;
    }
    return matches;
  }
}

interface Match {
  readonly at: number;
  readonly operation: Operation;
  readonly properties: Properties;
}

function operationOf(grant: ParsedGrant, name: string, { workspace, project }: AuthorizationRequest): Operation | null {
  if (grant.workspaces !== undefined && !(workspace !== undefined && grant.workspaces.has(workspace))) return null;
  if (grant.projects !== undefined && !(project !== undefined && grant.projects.has(project))) return null;
  return grant.operations === undefined ? {} : (grant.operations.get(name) ?? null);
}

/** The properties if the operation allows the request (on `create`, with what it forces), else null. */
function propertiesAfter(
  { filter, path }: Operation,
  name: string,
  request: AuthorizationRequest,
  properties: Properties,
): Properties | null {
  if (path !== undefined && !pathMatches(path, request.path)) return null;
  if (filter === undefined) return properties;
  const after = name === "tunnels create" ? properties.forcedBy(filter) : properties;
  return filterHolds(filter, after) ? after : null;
}

/**
 * Evaluates stored settings and the layers of a token, which must all allow a request. Layers are never merged, so
 * nothing derived from a token can exceed it.
 */
export class Evaluator {
  readonly #settings: ParsedSettings | null;
  readonly #layers: readonly Layer[];

  /**
   * @param layers already prepared
   */
  constructor(settings: JsonValue | undefined, layers: readonly Layer[]) {
    this.#settings = readSettings(settings ?? {});
    this.#layers = layers;
  }

  decide(request: AuthorizationRequest): Decision {
    return this.explain(request).decision;
  }

  /** The decision, and what each layer said up to it. */
  explain(request: AuthorizationRequest): { readonly decision: Decision; readonly verdicts: readonly Verdict[] } {
    if (request.permission !== undefined) return this.#explainPermission(request.permission, request);
    const name = `${request.root} ${request.operation}`;
    const permission = OPERATIONS.get(name);
    if (permission === undefined) return denied([], "operations", `no operation is called ${name}`);
    const fault = requestFault(request);
    if (fault !== null) return denied([], "operations", fault);
    return this.#explainOperation(name, permission, request);
  }

  #explainPermission(permission: string, { root, operation }: AuthorizationRequest): ReturnType<Evaluator["explain"]> {
    // A service may pass on JSON that it received, so a permission must not take the place of its operation.
    if (root !== undefined || operation !== undefined)
      return denied([], "operations", "it names both a permission and an operation");
    if (!isPermission(permission) || !isApiPermission(permission)) {
      return denied([], "operations", `${permission} is not a permission of api.*`);
    }
    const verdicts: Verdict[] = [];
    for (const layer of this.#layers) {
      if (!layer.has(permission)) return denied(verdicts, layer.name, `it lacks the permission ${permission}`);
      verdicts.push({ layer: layer.name, allowed: true, grants: [] });
    }
    return { decision: { allowed: true }, verdicts };
  }

  #explainOperation(
    name: string,
    permission: Permission,
    request: AuthorizationRequest,
  ): ReturnType<Evaluator["explain"]> {
    const verdicts: Verdict[] = [];
    const binding = name === "tunnels create" || name === "tunnels connect";
    const settings = binding ? this.#settings : UNBOUND;
    if (settings === null)
      return denied(verdicts, "settings", "the vault has settings that this version does not know");
    const connection = name === "tunnels connect" ? connectionFault(settings, request.facts ?? {}) : null;
    if (connection !== null) return denied(verdicts, "settings", connection);
    let properties = propertiesOf(request);
    let fields: true | ReadonlySet<string> = true;
    for (const layer of this.#layers) {
      if (!layer.has(permission)) return denied(verdicts, layer.name, `it lacks the permission ${permission}`);
      const matches = layer.matching(name, request, properties);
      if (matches?.length === 0) return denied(verdicts, layer.name, `none of its grants allows ${name}`);
      verdicts.push({ layer: layer.name, allowed: true, grants: matches?.map(({ at }) => at) ?? [] });
      properties = matches?.[0]?.properties ?? properties;
      fields = intersection(fields, matches === null ? true : unionOf(matches));
      if (fields !== true && fields.size === 0) return denied(verdicts, layer.name, "no field is left to list");
    }
    const unauthenticated = authFault(settings, properties);
    if (unauthenticated !== null) return denied(verdicts, "settings", unauthenticated);
    return { decision: { allowed: true, ...outcomeOf(name, properties, fields) }, verdicts };
  }
}

/** A service may pass on JSON that it received, so a value of the wrong type must not count as missing. */
function requestFault({ workspace, project, path, properties, labels, facts }: AuthorizationRequest): string | null {
  const texts = Object.entries({ workspace, project, path });
  const objects = Object.entries({ properties, labels, facts });
  const [name] =
    texts.find(([, value]) => value !== undefined && typeof value !== "string") ??
    objects.find(([, value]) => value !== undefined && !isObject(value)) ??
    [];
  return name === undefined ? null : `${name} is mistyped`;
}

/** Settings bind only the operations `create` and `connect`. */
const UNBOUND = readSettings({});

function denied(verdicts: readonly Verdict[], layer: LayerName, reason: string): ReturnType<Evaluator["explain"]> {
  return {
    decision: { allowed: false, layer, reason },
    verdicts: [...verdicts, { layer, allowed: false, grants: [], reason }],
  };
}

function propertiesOf({ properties = {}, labels }: AuthorizationRequest): Properties {
  return new Properties(labels === undefined ? properties : { ...properties, labels });
}

function unionOf(matches: readonly Match[]): true | ReadonlySet<string> {
  const fields = new Set<string>();
  for (const { operation } of matches) {
    if (operation.select === undefined) return true;
    for (const field of operation.select) fields.add(field);
  }
  return fields;
}

function intersection(a: true | ReadonlySet<string>, b: true | ReadonlySet<string>): true | ReadonlySet<string> {
  if (a === true) return b;
  return b === true ? a : new Set([...a].filter((field) => b.has(field)));
}

function outcomeOf(name: string, { forced }: Properties, fields: true | ReadonlySet<string>): object {
  if (name === "tunnels create") return { properties: Object.fromEntries(forced) };
  if (name !== "tunnels list") return {};
  return { fields: fields === true ? true : [...fields].toSorted(byCodePoint) };
}

/** Needed because `<` compares UTF-16, which puts U+1F511 before U+FF0E. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}
