import { routeAllowed } from "../../tokens/routes.ts";
import { VerificationError } from "../verification-error.ts";

/** A route that a backend serves, as the vault's settings have it. */
export interface Route {
  readonly id: string;
  /** Upper case. A GET route serves HEAD too. */
  readonly method: string;
  /** Literal segments and `{name}`; the last may be `*`. */
  readonly path: string;
  /** The body may be anything: an upload, a stream. */
  readonly body?: "unsigned";
}

export interface RoutedRequest {
  readonly method: string;
  /** With or without its query. */
  readonly target: string;
  /** The id that was signed; empty if the gateway knew none. */
  readonly routeId: string;
}

/**
 * The route that the gateway signed, if it is the one that this request asks for: otherwise a signed request for one
 * route would be served by the handler of another. Null if neither backend nor token has routes.
 *
 * @param allowed the `routes` of the origin's token
 * @throws VerificationError route_unknown, route_mismatch
 */
export function requireRoute(
  { method, target, routeId }: RoutedRequest,
  routes: readonly Route[] | undefined,
  allowed?: readonly string[],
): Route | null {
  const served = method === "HEAD" ? "GET" : method;
  if (!routeAllowed(allowed, served, target)) {
    throw new VerificationError("route_mismatch", `this token's routes do not have ${method} ${target}`);
  }
  if (routes === undefined && allowed === undefined) return null;
  const route = routes?.find(({ id }) => id === routeId);
  if (route === undefined && (routes !== undefined || routeId === "")) {
    throw new VerificationError("route_unknown", `the gateway signed the route ${JSON.stringify(routeId)}`);
  }
  if (route !== undefined && !routeAllowed([`${route.method} ${route.path}`], served, target)) {
    throw new VerificationError("route_mismatch", `${method} ${target} is not the signed route ${route.id}`);
  }
  return route ?? null;
}
