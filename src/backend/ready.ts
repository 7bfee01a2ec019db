import type { RouteSetting } from "../tokens/backends/settings.ts";
import { alikeKey } from "../tokens/routes.ts";

/** What `backend.ready()` found. Only a report: nothing in it stops an app. */
export interface ReadyReport {
  /** Whether the app's routes were found and everything below is empty. */
  readonly ok: boolean;
  /** Routes in the settings that the app does not register, such as `POST /v1/jobs`. */
  readonly unregistered: readonly string[];
  /** Routes of the app that are missing from the settings, so the gateway signs no requests for them. */
  readonly undeclared: readonly string[];
  /** Anything that would let requests past, or serve them differently from how they were signed. */
  readonly warnings: readonly string[];
}

interface Router {
  readonly stack?: readonly Layer[];
  readonly caseSensitive?: boolean;
  readonly strict?: boolean;
}

/** A layer of an Express router. */
interface Layer {
  readonly handle?: Router;
  /** False if its content is mounted at a path, which Express does not reveal. */
  readonly slash?: boolean;
  readonly route?: {
    readonly path?: unknown;
    readonly methods?: Readonly<Record<string, boolean>>;
    readonly stack?: readonly Layer[];
  };
}

/** Marks our middleware in a router; works even if a bundler renames it. */
export const VERIFIES: unique symbol = Symbol.for("vsync.backend.verifies");

/** Compares the routes of an Express app with those of the settings. */
export function buildReadyReport(
  declared: readonly RouteSetting[] | undefined,
  app?: unknown,
  server?: unknown,
): ReadyReport {
  const router = routerOf(app);
  const registered = router === undefined ? [] : routesOf(router, { isVerified: false, isMounted: false });
  const routes = declared ?? [];
  const unregistered = routes.filter((route) => !registered.some((it) => serves(it, route))).map(nameOf);
  const undeclared = registered.filter((it) => !routes.some((route) => serves(it, route))).map(nameOf);
  const warnings = [
    ...(app !== undefined && router === undefined ? ["the app's routes were not found: only Express shows them"] : []),
    ...(router === undefined ? [] : routerWarnings(router, registered)),
    ...serverWarnings(server),
  ];
  const found = {
    unregistered: router === undefined ? [] : unregistered,
    undeclared: declared === undefined ? [] : undeclared,
  };
  const ok = router !== undefined && found.unregistered.length + found.undeclared.length + warnings.length === 0;
  return { ok, ...found, warnings };
}

/** Express 4 throws when this property of Express 5 is read. */
function routerOf(app: unknown): Router | undefined {
  try {
    return (app as { readonly router?: Router } | undefined)?.router;
  } catch {
    return undefined;
  }
}

type Named = Pick<RouteSetting, "method" | "path">;

const nameOf = ({ method, path }: Named): string => `${method} ${path}`;

interface Registered extends Named {
  /** Whether our middleware comes before it. */
  readonly isVerified: boolean;
  /** Whether its router is mounted, so the path lacks its beginning. */
  readonly isMounted: boolean;
}

function serves({ method, path, isMounted }: Registered, declared: Named): boolean {
  if (method !== "*" && declared.method !== "*" && method !== declared.method) return false;
  const [own, wanted] = [alikeKey(path), alikeKey(declared.path)];
  return isMounted ? own === "/" || wanted.endsWith(own) : own === wanted;
}

function routesOf({ stack = [] }: Router, place: Pick<Registered, "isVerified" | "isMounted">): Registered[] {
  let { isVerified } = place;
  const isMounted = (layer: Layer): boolean => place.isMounted || layer.slash === false;
  return stack.flatMap((layer): Registered[] => {
    isVerified ||= verifies(layer);
    if (layer.route !== undefined) return routesAt(layer.route, { ...place, isVerified });
    return routesOf(layer.handle ?? {}, { isVerified, isMounted: isMounted(layer) });
  });
}

const verifies = ({ handle }: Layer): boolean => handle !== undefined && VERIFIES in handle;

function routesAt(
  { path, methods = {}, stack = [] }: NonNullable<Layer["route"]>,
  place: Pick<Registered, "isVerified" | "isMounted">,
): Registered[] {
  const isVerified = place.isVerified || stack.some(verifies);
  const paths = [path].flat().filter((it): it is string => typeof it === "string");
  // `app.all` in Express 5 lists every method.
  const isAny = methods["_all"] === true || methods["trace"] === true;
  const names = isAny ? ["*"] : Object.keys(methods).map((method) => method.toUpperCase());
  return paths.flatMap((it) => names.map((method) => ({ method, path: namesAsOurs(it), ...place, isVerified })));
}

/** Turns `/jobs/:id` and `/files/*rest` into the settings' spelling. */
function namesAsOurs(path: string): string {
  return path.replaceAll(/:([A-Za-z0-9_]+)/g, "{$1}").replace(/\/\*[A-Za-z0-9_]*$/, "/*");
}

function routerWarnings(router: Router, registered: readonly Registered[]): string[] {
  const layers = layersOf(router);
  const routers = [router, ...layers.flatMap(({ handle }) => (handle?.stack === undefined ? [] : [handle]))];
  const ours = layers.filter(verifies);
  const isRegistered = ours.length > 0 || registered.some((route) => route.isVerified);
  return [
    ...(!isRegistered ? ["backend.middleware() is not registered on the app: no request is verified"] : []),
    ...(ours.some(({ slash }) => slash === false)
      ? ["backend.middleware() is mounted at a path: what the app serves elsewhere, it serves everybody"]
      : []),
    ...registered
      .filter(({ isVerified }) => isRegistered && !isVerified)
      .map((route) => `${nameOf(route)} is registered before backend.middleware(): it serves everybody`),
    ...(routers.every(({ caseSensitive }) => caseSensitive === true)
      ? []
      : [
          'routes ignore case: app.enable("case sensitive routing") before the first route, and Router({ caseSensitive: true }), serve them as they were signed',
        ]),
    ...(routers.every(({ strict }) => strict === true)
      ? []
      : [
          'routes ignore a slash at the end: app.enable("strict routing") before the first route, and Router({ strict: true }), serve them as they were signed',
        ]),
  ];
}

function layersOf({ stack = [] }: Router): Layer[] {
  return stack.flatMap((layer) => [layer, ...layersOf(layer.handle ?? {})]);
}

/** Node.js passes upgrades only to listeners, so middleware never sees them. */
function serverWarnings(server: unknown): string[] {
  const { listenerCount } = (server ?? {}) as { listenerCount?: (event: string) => number };
  if (listenerCount === undefined || listenerCount.call(server, "upgrade") === 0) return [];
  return ["the server takes upgrades: make sure that each listener calls backend.verifyUpgrade() first"];
}
