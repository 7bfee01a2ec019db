import type { RouteSetting } from "../tokens/backends/settings.ts";
import { alikeKey } from "../tokens/routes.ts";

/** What `backend.ready()` found. It is a report: nothing in it stops an app. */
export interface ReadyReport {
  /** The app's routes were found, and everything below is empty. */
  readonly ok: boolean;
  /** Routes of the settings that the app does not register, such as `POST /v1/jobs`. */
  readonly unregistered: readonly string[];
  /** Routes of the app that the settings do not declare: the gateway signs no request for them. */
  readonly undeclared: readonly string[];
  /** What would let requests past, or serve them differently than they were signed. */
  readonly warnings: readonly string[];
}

/** A layer of an Express router. */
interface Layer {
  readonly name?: string;
  readonly handle?: { readonly stack?: readonly Layer[]; readonly caseSensitive?: boolean; readonly strict?: boolean };
  readonly route?: { readonly path?: unknown; readonly methods?: Readonly<Record<string, boolean>> };
}

interface ExpressApp {
  readonly router?: { readonly stack?: readonly Layer[]; readonly caseSensitive?: boolean; readonly strict?: boolean };
  readonly enabled?: (this: unknown, setting: string) => boolean;
}

/** Marks our middleware in a router, also under the name that a bundler gives it. */
export const VERIFIES: unique symbol = Symbol.for("vsync.backend.verifies");

/** Compares the routes of an Express app with those of the settings. */
export function buildReadyReport(
  declared: readonly RouteSetting[] | undefined,
  app?: unknown,
  server?: unknown,
): ReadyReport {
  const { router, enabled } = (app ?? {}) as ExpressApp;
  const stack = router?.stack ?? [];
  const registered = routesOf(stack);
  const known = new Set(registered.map(keyOf));
  const wanted = new Set((declared ?? []).map(keyOf));
  const unregistered = (declared ?? []).filter((route) => !covered(known, route)).map(nameOf);
  const undeclared = declared === undefined ? [] : registered.filter((route) => !covered(wanted, route)).map(nameOf);
  const warnings = [
    ...(app !== undefined && router === undefined ? ["the app's routes were not found: only Express shows them"] : []),
    ...(router === undefined ? [] : routerWarnings(stack, enabled?.bind(app))),
    ...serverWarnings(server),
  ];
  const ok = router !== undefined && unregistered.length + undeclared.length + warnings.length === 0;
  return { ok, unregistered: app === undefined ? [] : unregistered, undeclared, warnings };
}

type Named = Pick<RouteSetting, "method" | "path">;

const nameOf = ({ method, path }: Named): string => `${method} ${path}`;
const keyOf = ({ method, path }: Named): string => `${method} ${alikeKey(path)}`;
const covered = (keys: ReadonlySet<string>, route: Named): boolean => {
  return keys.has(keyOf(route)) || keys.has(keyOf({ ...route, method: "*" }));
};

function routesOf(stack: readonly Layer[]): Named[] {
  return stack.flatMap(({ route, handle }) => {
    if (route === undefined) return routesOf(handle?.stack ?? []);
    const methods = Object.keys(route.methods ?? {}).map((method) => (method === "_all" ? "*" : method.toUpperCase()));
    const paths = [route.path].flat().filter((path): path is string => typeof path === "string");
    return paths.flatMap((path) => methods.map((method) => ({ method, path: namesAsOurs(path) })));
  });
}

/** `/jobs/:id` and `/files/*rest` as the settings write them. */
function namesAsOurs(path: string): string {
  return path.replaceAll(/:([A-Za-z0-9_]+)/g, "{$1}").replace(/\/\*[A-Za-z0-9_]*$/, "/*");
}

function routerWarnings(stack: readonly Layer[], enabled: ((setting: string) => boolean) | undefined): string[] {
  const at = stack.findIndex(({ handle }) => handle !== undefined && VERIFIES in handle);
  const before = at === -1 ? [] : routesOf(stack.slice(0, at));
  return [
    ...(at === -1 ? ["backend.middleware() is not registered on the app: no request is verified"] : []),
    ...before.map((route) => `${nameOf(route)} is registered before backend.middleware(): it serves anybody`),
    ...(enabled?.("case sensitive routing") === false
      ? ['routes ignore case: app.enable("case sensitive routing") serves them as they were signed']
      : []),
    ...(enabled?.("strict routing") === false
      ? ['routes ignore a slash at the end: app.enable("strict routing") serves them as they were signed']
      : []),
  ];
}

/** Node.js hands an upgrade to the listeners alone: no middleware sees it. */
function serverWarnings(server: unknown): string[] {
  const { listenerCount } = (server ?? {}) as { listenerCount?: (event: string) => number };
  if (listenerCount === undefined || listenerCount.call(server, "upgrade") === 0) return [];
  return ["the server takes upgrades: make sure that each listener calls backend.verifyUpgrade() first"];
}
