import { isCanonicalPath, pathOf } from "./canonical-path.ts";

const ROUTE = /^(?<method>\*|[A-Z][A-Z-]*) (?<path>\/[^ ]*)$/;
const NAME = /^\{[A-Za-z0-9_-]+\}$/;

/**
 * Why a route such as `POST /v1/cron-jobs`, `GET /v1/cron-jobs/{id}` or `* /files/*` is refused, as the end of a
 * message, or null. A segment is literal or a `{name}`; the last may be `*`, for any rest of at least one segment.
 */
export function routeFault(route: string): string | null {
  const path = ROUTE.exec(route)?.groups?.["path"];
  if (path === undefined) return "must be a method in upper case or *, one space, and a path that starts with /";
  const segments = path.slice(1).split("/");
  if (segments.slice(0, -1).includes("*")) return "may have * only as its last segment";
  const literal = segments.map((segment) => (NAME.test(segment) ? "x" : segment)).join("/");
  return isCanonicalPath(`/${literal}`) ? null : "must have a path that a canonical request can have";
}

/**
 * Two route paths have the same key if some framework may serve them alike: frameworks ignore case or a trailing slash,
 * and decode percent-encoding.
 */
export function alikeKey(path: string): string {
  const segments = path.split("/").map((segment) => (NAME.test(segment) ? "{}" : decodeURIComponent(segment)));
  return segments
    .join("/")
    .toLowerCase()
    .replace(/(?<=.)\/+$/, "");
}

/**
 * Whether `routes` allow the request. `undefined` means unrestricted; an empty list allows nothing. `target` may have a
 * query.
 */
export function routeAllowed(routes: readonly string[] | undefined, method: string, target: string): boolean {
  if (routes === undefined) return true;
  const path = pathOf(target);
  return isCanonicalPath(path) && routes.some((route) => routeMatches(route, method, path));
}

/** An invalid route matches nothing. */
function routeMatches(route: string, method: string, path: string): boolean {
  const [routeMethod, routePath = ""] = route.split(" ");
  if (routeFault(route) !== null || (routeMethod !== "*" && routeMethod !== method)) return false;
  const wanted = routePath.split("/");
  const given = path.split("/");
  const rest = wanted.at(-1) === "*";
  if (rest ? given.length < wanted.length : given.length !== wanted.length) return false;
  const fits = (segment: string, at: number): boolean => segmentFits(segment, given[at] ?? "");
  return rest ? wanted.slice(0, -1).every(fits) && given[wanted.length - 1] !== "" : wanted.every(fits);
}

function segmentFits(wanted: string, given: string): boolean {
  return NAME.test(wanted) ? given !== "" : wanted === given;
}
