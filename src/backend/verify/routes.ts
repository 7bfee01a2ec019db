import type { RouteSetting } from "../../tokens/backends/settings.ts";
import { isCanonicalPath, pathOf } from "../../tokens/canonical-path.ts";
import { alikeKey, routeAllowed } from "../../tokens/routes.ts";
import { VerificationError } from "../verification-error.ts";

export interface RoutedRequest {
  readonly method: string;
  /** With or without its query. */
  readonly target: string;
  /** The signed id; empty if the gateway knew no route. */
  readonly routeId: string;
}

/**
 * The route that the gateway signed, if it is the one that this request asks for. Otherwise a request signed for one
 * route could reach the handler of another. Null if neither backend nor token has routes.
 *
 * @param allowed the `routes` of the origin's token
 * @throws VerificationError route_unknown, route_mismatch
 */
export function requireRoute(
  { method, target, routeId }: RoutedRequest,
  routes: readonly RouteSetting[] | undefined,
  allowed?: readonly string[],
): RouteSetting | null {
  if (!routeAllowed(allowed, servedMethod(method), target)) {
    throw new VerificationError("route_mismatch", `this token's routes do not have ${method} ${target}`);
  }
  if (routes === undefined && allowed === undefined) return null;
  const route = routes?.find(({ id }) => id === routeId);
  if (route === undefined && (routes !== undefined || routeId === "")) {
    throw new VerificationError("route_unknown", `the gateway signed the route ${JSON.stringify(routeId)}`);
  }
  if (route !== undefined && routeServing(routes ?? [], method, target) !== route) {
    throw new VerificationError("route_mismatch", `${method} ${target} is not the signed route ${route.id}`);
  }
  return route ?? null;
}

/**
 * The one route that serves a request in any framework. Null if no route matches, or if a framework that ignores case
 * or a trailing slash would choose another.
 */
export function routeServing<R extends RouteSetting>(routes: readonly R[], method: string, target: string): R | null {
  const path = pathOf(target);
  if (!isCanonicalPath(path)) return null;
  const [served, shaped] = [servedMethod(method), shapedRoutes(routes)];
  const exact = closest(shaped, served, path, "segments");
  const alike = exact === null ? null : closest(shaped, served, alikeKey(path), "alike");
  return exact?.route === alike?.route ? ((exact?.route ?? null) as R | null) : null;
}

/** Whether a framework that ignores case or a trailing slash would serve a request on any of these routes. */
export function servesAlike(routes: readonly RouteSetting[], method: string, target: string): boolean {
  return closest(shapedRoutes(routes), servedMethod(method), alikeKey(pathOf(target)), "alike") !== null;
}

/** Frameworks answer HEAD with the handler of GET. */
function servedMethod(method: string): string {
  return method === "HEAD" ? "GET" : method;
}

interface ShapedRoute {
  readonly route: RouteSetting;
  readonly segments: readonly string[];
  /** The segments as read by a framework that decodes them and ignores case. */
  readonly alike: readonly string[];
}

const shaped = new WeakMap<readonly RouteSetting[], readonly ShapedRoute[]>();

/** Literal segments come before names and rests in the same place, as routers prefer them. */
function shapedRoutes(routes: readonly RouteSetting[]): readonly ShapedRoute[] {
  const known = shaped.get(routes);
  if (known !== undefined) return known;
  const made = routes
    .map((route) => ({ route, segments: namesMarked(route.path).split("/"), alike: alikeKey(route.path).split("/") }))
    .toSorted((one, other) => compare(rankOf(one), rankOf(other)));
  shaped.set(routes, made);
  return made;
}

const namesMarked = (path: string): string => path.replaceAll(/\{[^/}]+\}/g, "{}");

function rankOf({ route, segments }: ShapedRoute): string {
  const ranks = segments.map((segment) => (segment === "*" ? "c" : segment === "{}" ? "b" : "a"));
  return `${ranks.join("")}${route.method === "*" ? "b" : "a"}`;
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

function closest(
  routes: readonly ShapedRoute[],
  method: string,
  path: string,
  by: "segments" | "alike",
): ShapedRoute | null {
  const given = path.split("/");
  const fits = (it: ShapedRoute): boolean => {
    return (it.route.method === "*" || it.route.method === method) && segmentsFit(it[by], given);
  };
  return routes.find(fits) ?? null;
}

function segmentsFit(wanted: readonly string[], given: readonly string[]): boolean {
  const rest = wanted.at(-1) === "*";
  if (rest ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, at) => {
    return segment === "{}" || (rest && at === wanted.length - 1) ? given[at] !== "" : segment === given[at];
  });
}
