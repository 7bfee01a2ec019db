import type { JsonValue } from "../../canonical-json.ts";
import { type At, memberOf, requireObject } from "../given.ts";
import { alikeKey, routeFault } from "../routes.ts";
import { backendId, exactly, type Form, integer, listOf, oneOf, onlyTrue, recordOf, text, textThat } from "./forms.ts";

/**
 * The part of a vault's settings that gateways and origins share (docs/format.md, Settings): the backends, what each
 * serves, and what it may report.
 */

export type Profile = "rfc9421" | "x-fs";

export interface BackendSetting {
  readonly id: string;
  readonly transport?: { readonly mode: "direct" | "tunnel" };
  readonly verification?: { readonly required: true };
  /** How its requests are signed. Default: `rfc9421`. */
  readonly profile?: Profile;
  /** The only meters that it may report; absent means all. */
  readonly meters?: readonly string[];
  readonly default?: true;
  /** How old a signed request may be, in seconds: 10…300. Default 60. */
  readonly maxAgeSeconds?: number;
  /** How long it keeps serving while the vault does not respond, in minutes: 5…1440. Default 60. */
  readonly maxStaleMinutes?: number;
}

export interface RouteSetting {
  readonly id: string;
  /** Upper case, or `*`. A GET route also serves HEAD. */
  readonly method: string;
  /** Literal segments and `{name}`; the last may be `*`. */
  readonly path: string;
  /** Default: the default backend. */
  readonly backend?: string;
  /** The meters that every response on it reports. */
  readonly meters?: readonly string[];
  /** The body is not signed and may be anything, such as an upload or a stream. */
  readonly body?: "unsigned";
  /** Allows a WebSocket or another upgrade. */
  readonly upgrade?: true;
  /** By meter, the most that one request may report. */
  readonly maxPerRequest?: Readonly<Record<string, number>>;
}

export interface MeterSetting {
  readonly key: string;
  readonly unit?: string;
}

export interface BackendSettings {
  readonly backends?: readonly BackendSetting[];
  readonly routes?: readonly RouteSetting[];
  readonly meters?: readonly MeterSetting[];
}

/** The members of settings that this file knows. */
export const BACKEND_SETTINGS = ["backends", "routes", "meters"] as const;

/** Bounded, because slots carry a part of the settings. */
const MAX_SETTINGS_BYTES = 65_536;

/**
 * Checks these members of settings, each by itself and against the others. Ignores all other members.
 *
 * @throws what `refuse` makes, with the path of the first fault, such as `settings.routes[1].backend`
 */
export function requireBackendSettings(at: At): void {
  const own = requireBackendForms(at);
  if (own === null) return;
  if (JSON.stringify(own).length > MAX_SETTINGS_BYTES) {
    throw at.refuse(at.path, `must have at most ${MAX_SETTINGS_BYTES} bytes of backends, routes and meters`);
  }
  requireConsistent(at, own);
}

/**
 * Like `requireBackendSettings`, but checks each member only by itself, because a slot has only a part of them. Null if
 * there are none.
 */
export function requireBackendForms(at: At): BackendSettings | null {
  const given = requireObject(at);
  const present = BACKEND_SETTINGS.filter((name) => Object.hasOwn(given, name));
  for (const name of present) FORMS[name].check(memberOf(at, name));
  if (present.length === 0) return null;
  return Object.fromEntries(present.map((name) => [name, given[name]]));
}

const id = text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must have 1\u202664 letters, digits, ., _ and -");
const meterKey = text(
  /^(?!\d+$)[a-z0-9_]{1,64}$/,
  "must have 1\u202664 of a\u2026z, 0\u20269 and _, and not be a number",
);
const meterKeys = listOf(meterKey, { distinct: true });

function pathFault(path: string): string | null {
  // Frameworks write names like this. Here it would be a literal segment, and every request would be unknown.
  const name = /\/:([A-Za-z0-9_-]+)/.exec(path)?.[1];
  if (name !== undefined) return `must name a segment as in {${name}}`;
  if (routeFault(`GET ${path}`) === null) return null;
  return "must be a path such as /v1/jobs/{id} or /files/* that a canonical request can have";
}

const FORMS = {
  backends: listOf(
    exactly({
      id: backendId,
      "transport?": exactly({ mode: oneOf(["direct", "tunnel"]) }),
      "verification?": exactly({ required: onlyTrue("cannot be turned off: leave it out, or give true") }),
      "profile?": oneOf(["rfc9421", "x-fs"]),
      "meters?": meterKeys,
      "default?": onlyTrue(),
      "maxAgeSeconds?": integer(10, 300),
      "maxStaleMinutes?": integer(5, 1440),
    }),
  ),
  routes: listOf(
    exactly({
      id,
      method: text(
        /^(?:\*|(?!(?:HEAD|CONNECT|TRACE)$)[A-Z][A-Z-]*)$/,
        "must be a method in upper case or *, and not CONNECT or TRACE; a GET route serves HEAD too",
      ),
      path: textThat(pathFault),
      "backend?": id,
      "meters?": meterKeys,
      "body?": oneOf(["unsigned"]),
      "upgrade?": onlyTrue(),
      "maxPerRequest?": recordOf(integer(0, Number.MAX_SAFE_INTEGER)),
    }),
  ),
  meters: listOf(exactly({ key: meterKey, "unit?": text(/^\P{Cc}{1,64}$/u, "must have 1\u202664 characters") })),
} satisfies Readonly<Record<(typeof BACKEND_SETTINGS)[number], Form>>;

/** A JSON Schema of these members, for editors. Only `vsync settings` checks members against each other. */
export const BACKEND_SCHEMAS = Object.fromEntries(Object.entries(FORMS).map(([name, { schema }]) => [name, schema]));

function requireConsistent(at: At, settings: BackendSettings): void {
  const { backends = [], routes = [], meters = [] } = settings;
  const place = (path: string): string => `${at.path}.${path}`;
  for (const [list, keys] of [
    ["backends", backends.map((it) => it.id)],
    ["routes", routes.map((it) => it.id)],
    ["meters", meters.map(({ key }) => key)],
  ] as const) {
    const twice = keys.findIndex((key, index) => keys.indexOf(key) !== index);
    if (twice !== -1)
      throw at.refuse(place(`${list}[${twice}].${list === "meters" ? "key" : "id"}`), "is listed twice");
  }
  requireOneDefault(at, backends);
  const keys = new Set(meters.map(({ key }) => key));
  const requireMeters = (names: readonly string[] | undefined, path: string): void => {
    const unknown = names?.findIndex((name) => !keys.has(name)) ?? -1;
    if (unknown !== -1) throw at.refuse(place(`${path}.meters[${unknown}]`), "is not among the settings' meters");
  };
  backends.forEach((it, index) => requireMeters(it.meters, `backends[${index}]`));
  for (const [index, route] of routes.entries()) {
    const path = `routes[${index}]`;
    const backend = backendOf(settings, route.backend);
    if (backend === undefined) throw at.refuse(place(`${path}.backend`), "is not among the settings' backends");
    requireMeters(route.meters, path);
    requireRouteMeters(at, place(path), route, backend);
    if (route.upgrade && route.method !== "GET") throw at.refuse(place(`${path}.upgrade`), "needs the method GET");
    requireUnlike(at, place(path), route, routes.slice(0, index));
  }
}

function requireOneDefault(at: At, backends: readonly BackendSetting[]): void {
  const marked = backends.flatMap((it, index) => (it.default ? [index] : []));
  if (marked.length > 1) throw at.refuse(`${at.path}.backends[${marked[1]}].default`, "is a second default");
  if (backends.length > 1 && marked.length === 0) {
    throw at.refuse(`${at.path}.backends`, "must have one with default: true, because there are several");
  }
}

function requireRouteMeters(at: At, path: string, route: RouteSetting, backend: BackendSetting): void {
  const { meters = [], maxPerRequest = {} } = route;
  const excluded = meters.findIndex((meter) => backend.meters?.includes(meter) === false);
  if (excluded !== -1) {
    throw at.refuse(`${path}.meters[${excluded}]`, `is not among the meters of the backend ${backend.id}`);
  }
  const unbound = Object.keys(maxPerRequest).find((meter) => !meters.includes(meter));
  if (unbound !== undefined) throw at.refuse(`${path}.maxPerRequest.${unbound}`, "is not among the route's meters");
}

/**
 * A framework that ignores case or a trailing slash would serve both with one handler, while the gateway tells them
 * apart.
 */
function requireUnlike(at: At, path: string, route: RouteSetting, before: readonly RouteSetting[]): void {
  const other = before.find(({ method, path: its }) => {
    const meet = method === route.method || method === "*" || route.method === "*";
    return meet && alikeKey(its) === alikeKey(route.path);
  });
  if (other !== undefined) throw at.refuse(`${path}.path`, `is served like the path of the route ${other.id}`);
}

/** The backend with that id; without an id, the only one or the default. */
export function backendOf({ backends = [] }: BackendSettings, name?: string): BackendSetting | undefined {
  if (name !== undefined) return backends.find(({ id: known }) => known === name);
  return backends.length === 1 ? backends[0] : backends.find((it) => it.default);
}

/** The part of the settings that concerns these backends, for their origins. */
export function settingsOfBackends(settings: BackendSettings, ids: readonly string[]): BackendSettings {
  const { routes, meters } = settings;
  const backends = settings.backends?.filter((it) => ids.includes(it.id)) ?? [];
  const reports = (key: string): boolean => backends.some((it) => it.meters?.includes(key) ?? true);
  return {
    backends,
    ...(routes === undefined
      ? {}
      : { routes: routes.filter((route) => ids.includes(backendOf(settings, route.backend)?.id ?? "")) }),
    ...(meters === undefined ? {} : { meters: meters.filter(({ key }) => reports(key)) }),
  };
}

/** The settings without these members, which leaves those that restrict tokens. */
export function withoutBackends(settings: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(
    Object.entries(settings).filter(([name]) => !BACKEND_SETTINGS.some((known) => known === name)),
  );
}

/** The members of stored settings that this file knows; null if they have none. */
export function backendSettingsIn(settings: Readonly<Record<string, JsonValue>> | undefined): BackendSettings | null {
  const own = Object.entries(settings ?? {}).filter(([name]) => BACKEND_SETTINGS.some((known) => known === name));
  return own.length === 0 ? null : Object.fromEntries(own);
}
