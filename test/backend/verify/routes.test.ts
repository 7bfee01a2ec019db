import { expect, test } from "vitest";
import { routeServing } from "../../../src/backend/verify/routes.ts";
import type { RouteSetting } from "../../../src/tokens/backends/settings.ts";

const ROUTES: readonly RouteSetting[] = [
  { id: "section", method: "*", path: "/{section}/{id}" },
  { id: "admin", method: "GET", path: "/admin/{id}" },
  { id: "admin.new", method: "GET", path: "/admin/new" },
  { id: "files", method: "GET", path: "/files/*" },
  { id: "menu", method: "GET", path: "/caf%C3%A9" },
];

/** The route that a strict router serves, or null if a lenient one would serve another. */
test.each([
  ["GET", "/admin/1", "admin"],
  ["HEAD", "/admin/1?x", "admin"],
  ["GET", "/admin/new", "admin.new"],
  ["GET", "/shop/1", "section"],
  ["GET", "/files/a/b/", "files"],
  ["GET", "/caf%C3%A9", "menu"],
  ["POST", "/admin/1", "section"],
  ["GET", "/ADMIN/1", null],
  ["GET", "/admin/1/", null],
  ["GET", "/admin/NEW", null],
  ["GET", "/files/", null],
  ["GET", "/%61dmin/1", null],
  ["GET", "/admin/..%2fx", null],
  ["GET", "/admin/1;x", null],
  ["GET", "/admin//1", null],
  ["GET", "/admin/../x/1", null],
  ["GET", "/CAF%C3%A9", null],
  ["GET", "/nowhere", null],
])("%s %s is served by %s", (method, target, id) => {
  expect(routeServing(ROUTES, method, target)?.id ?? null).toBe(id);
});
