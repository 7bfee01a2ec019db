import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../../src/canonical-json.ts";
import { type Claims, checkClaims } from "../../../src/tokens/claims.ts";
import { compareRights } from "../../../src/vault/tokens/rights.ts";

const VAULT = {
  repo: "acme/api",
  env: "prod",
  items: ["DATABASE_URL", "REDIS_HOST", "STRIPE_KEY"].map((name) => ({ name, kind: "secret" })),
};

function claims(given: Partial<Record<keyof Claims, JsonValue>>): Claims {
  const id = `tok_${"0".repeat(32)}`;
  return checkClaims({ id, kind: "live", capabilities: [], created_at: "2026-01-01T00:00:00.000Z", ...given });
}

/** Claims that let a token read what the filters select. */
function reading(filters: JsonObject, target: JsonObject = {}) {
  return { grants: [{ ...target, scopes: { secrets: { read: { filters } } } }] };
}

const tunnels = (create: JsonValue, target: JsonObject = {}) => ({
  grants: [{ ...target, scopes: { tunnels: { create } } }],
});
const redis = { name: { regex: "^REDIS_" } };
const but = (...names: string[]) => reading({ name: { NOT: { oneof: names } } });
const LATER = "including names added later";

/** The claims before and after, what they gain, and what they lose. */
const CHANGES: readonly (readonly [string, object, object, readonly string[], readonly string[]])[] = [
  ["nothing", reading(redis), reading(redis), [], []],
  [
    "one name more",
    reading({ name: "DATABASE_URL" }),
    reading({ name: { oneof: ["DATABASE_URL", "STRIPE_KEY"] } }),
    ["STRIPE_KEY"],
    [],
  ],
  [
    "a name that is not there yet",
    reading({ name: "DATABASE_URL" }),
    reading({ name: { oneof: ["DATABASE_URL", "NEW"] } }),
    ["NEW"],
    [],
  ],
  [
    "from a pattern to a name in it",
    reading(redis),
    reading({ name: "REDIS_HOST" }),
    [],
    [`names that match ^REDIS_, ${LATER}`],
  ],
  ["one alternative less", reading({ OR: [redis, { name: "STRIPE_KEY" }] }), reading(redis), [], ["STRIPE_KEY"]],
  [
    "another pattern",
    reading(redis),
    reading({ name: { regex: "^REDIS_H" } }),
    [`names that match ^REDIS_H, ${LATER}`],
    [`names that match ^REDIS_, ${LATER}`],
  ],
  [
    "one exception more",
    but("STRIPE_KEY"),
    but("STRIPE_KEY", "REDIS_HOST"),
    [],
    ["REDIS_HOST", `names other than STRIPE_KEY, ${LATER}`],
  ],
  [
    "one exception less",
    but("STRIPE_KEY", "REDIS_HOST"),
    but("STRIPE_KEY"),
    ["REDIS_HOST", `names other than STRIPE_KEY, ${LATER}`],
    [],
  ],
  [
    "all names that there are, now and later",
    reading({ name: { oneof: ["DATABASE_URL", "REDIS_HOST", "STRIPE_KEY"] } }),
    { grants: [{ scopes: { secrets: { read: true } } }] },
    [`everything, ${LATER}`],
    [],
  ],
  ["a grant on another vault says nothing here", { grants: [] }, reading(redis, { projects: ["acme/web"] }), [], []],
  [
    "a grant on this repo",
    { grants: [] },
    reading(redis, { workspaces: ["acme/api"] }),
    ["REDIS_HOST", `names that match ^REDIS_, ${LATER}`],
    [],
  ],
  [
    "permissions",
    { permissions: ["secrets.items.read"] },
    { permissions: ["api.tokens.create"] },
    ["the permission api.tokens.create"],
    ["DATABASE_URL", "REDIS_HOST", "STRIPE_KEY", `everything, ${LATER}`],
  ],
  [
    "restricting an unrestricted token",
    {},
    tunnels(true),
    [],
    [
      "DATABASE_URL",
      "REDIS_HOST",
      "STRIPE_KEY",
      `everything, ${LATER}`,
      "the right to connect to tunnels of any project",
      "the right to list tunnels of any project",
      "the permission api.tokens.create",
      "the permission api.tokens.verify",
    ],
  ],
  [
    "another project",
    tunnels(true, { projects: ["web"] }),
    tunnels(true, { projects: ["web", "shop"] }),
    ["the right to create tunnels of project shop"],
    [],
  ],
  [
    "a filter less",
    tunnels({ filters: { protocol: "http", publish: true } }),
    tunnels({ filters: { protocol: "http" } }),
    [`the right to create tunnels of any project with {"protocol":"http"}`],
    [],
  ],
  [
    "capabilities",
    { permissions: [], capabilities: ["health"] },
    { permissions: [], capabilities: ["tunnel"] },
    ["the capability tunnel"],
    ["the capability health"],
  ],
  [
    "lists",
    { permissions: [], meters: ["a"], backend: "edge" },
    { permissions: [], routes: ["GET /a"], backend: "core" },
    ["every meter", "the backend core"],
    ["every route", "the backend edge"],
  ],
  [
    "a later end",
    { permissions: [], not_after: "2026-02-01T00:00:00.000Z" },
    { permissions: [] },
    ["a later end (never, was 2026-02-01T00:00:00.000Z)"],
    [],
  ],
  [
    "an earlier end",
    { permissions: [] },
    { permissions: [], not_after: "2026-02-01T00:00:00.000Z" },
    [],
    ["time, by an earlier end (2026-02-01T00:00:00.000Z, was never)"],
  ],
  [
    "a later end, of two",
    { permissions: [], not_after: "2026-02-01T00:00:00.000Z" },
    { permissions: [], not_after: "2026-03-01T00:00:00.000Z" },
    ["a later end (2026-03-01T00:00:00.000Z, was 2026-02-01T00:00:00.000Z)"],
    [],
  ],
  [
    "an earlier end, of two",
    { permissions: [], not_after: "2026-03-01T00:00:00.000Z" },
    { permissions: [], not_after: "2026-02-01T00:00:00.000Z" },
    [],
    ["time, by an earlier end (2026-02-01T00:00:00.000Z, was 2026-03-01T00:00:00.000Z)"],
  ],
  [
    "the same end",
    { permissions: [], not_after: "2026-03-01T00:00:00.000Z" },
    { permissions: [], not_after: "2026-03-01T00:00:00.000Z" },
    [],
    [],
  ],
  [
    "one condition more",
    reading(redis),
    reading({ ...redis, kind: "file" }),
    [],
    ["REDIS_HOST", `names that match ^REDIS_, ${LATER}`],
  ],
  [
    "conditions that are no names",
    { grants: [] },
    reading({ kind: "file" }),
    [`what {"kind":"file"} matches, ${LATER}`],
    [],
  ],
  [
    "all of several conditions",
    { grants: [] },
    reading({ AND: [redis, { kind: "secret" }] }),
    ["REDIS_HOST", `names that match ^REDIS_ and what {"kind":"secret"} matches, ${LATER}`],
    [],
  ],
  [
    "names that a pattern excludes",
    { grants: [] },
    reading({ name: { NOT: { regex: "^REDIS_" } } }),
    ["DATABASE_URL", "STRIPE_KEY", `names that do not match ^REDIS_, ${LATER}`],
    [],
  ],
  [
    "one name that is excluded",
    { grants: [] },
    reading({ name: { NOT: "REDIS_HOST" } }),
    ["DATABASE_URL", "STRIPE_KEY", `names other than REDIS_HOST, ${LATER}`],
    [],
  ],
  [
    "one name that is excluded exactly",
    { grants: [] },
    reading({ name: { NOT: { exact: "REDIS_HOST" } } }),
    ["DATABASE_URL", "STRIPE_KEY", `what {"name":{"NOT":{"exact":"REDIS_HOST"}}} matches, ${LATER}`],
    [],
  ],
  ["an exact name that is not there yet", { grants: [] }, reading({ name: { exact: "NEW" } }), ["NEW"], []],
  [
    "alternatives within alternatives, and a name in some",
    { grants: [] },
    reading({ OR: [{ OR: [{ name: "NEW" }, redis] }, { name: { oneof: ["STRIPE_KEY"] }, kind: "secret" }] }),
    ["REDIS_HOST", "STRIPE_KEY", "NEW", `names that match ^REDIS_, ${LATER}`],
    [],
  ],
  [
    "alternatives of names under a condition",
    { grants: [] },
    reading({ kind: "secret", OR: [{ name: "NEW" }, { name: "STRIPE_KEY" }] }),
    ["STRIPE_KEY", "NEW"],
    [],
  ],
  [
    "alternatives under a condition, one of them a pattern",
    { grants: [] },
    reading({ kind: "secret", OR: [{ name: "NEW" }, redis] }),
    [
      "REDIS_HOST",
      `what {"kind":"secret"} matches and what {"OR":[{"name":"NEW"},{"name":{"regex":"^REDIS_"}}]} matches, ${LATER}`,
    ],
    [],
  ],
  [
    "a name among conditions that must all hold",
    { grants: [] },
    reading({ AND: [{ kind: "secret" }, { name: "NEW" }] }),
    ["NEW"],
    [],
  ],
  [
    "a project of this vault, and a grant without scopes on another repo",
    { grants: [] },
    { grants: [{ projects: ["acme/api/prod"], scopes: { secrets: { read: true } } }, { workspaces: ["acme/web"] }] },
    [
      "DATABASE_URL",
      "REDIS_HOST",
      "STRIPE_KEY",
      `everything, ${LATER}`,
      "the right to create tunnels of workspace acme/web",
      "the right to connect to tunnels of workspace acme/web",
      "the right to list tunnels of workspace acme/web",
    ],
    [],
  ],
  [
    "what a connection may be given",
    { grants: [] },
    { grants: [{ scopes: { tunnels: { connect: { params: { path: { regex: "^/api" } } } } } }] },
    [`the right to connect to tunnels of any project with {"params":{"path":{"regex":"^/api"}}}`],
    [],
  ],
  [
    "from any project to one",
    tunnels(true),
    tunnels(true, { projects: ["web"] }),
    [],
    ["the right to create tunnels of any project"],
  ],
  [
    "a permission for tunnels alone",
    { permissions: [] },
    { permissions: ["tunnels.tunnels.list"] },
    ["the right to list tunnels of any project"],
    [],
  ],
  [
    "a filter that names a condition alone",
    tunnels({ filters: { protocol: "http" } }),
    tunnels({ filters: { protocol: { NOT: { oneof: ["tcp", "udp"] } } } }),
    [`the right to create tunnels of any project with {"protocol":{"NOT":"tcp"}} and {"protocol":{"NOT":"udp"}}`],
    [`the right to create tunnels of any project with {"protocol":"http"}`],
  ],
  ["meters in another order", { permissions: [], meters: ["a", "b"] }, { permissions: [], meters: ["b", "a"] }, [], []],
  ["one meter of all", { permissions: [] }, { permissions: [], meters: ["a"] }, [], ["every meter"]],
];

describe("what a change of claims gives and takes", () => {
  test.each(CHANGES)("%s", async (_title, before, after, gains, loses) => {
    expect(await compareRights(claims(before), claims(after), VAULT)).toEqual({ gains, loses });
  });

  test("a file is no secret of its name", async () => {
    const vault = { ...VAULT, items: [...VAULT.items, { name: "ca.pem", kind: "file" }] };
    const both = claims(reading({ name: { oneof: ["ca.pem", "NEW"] }, kind: "secret" }));
    expect(await compareRights(claims({ grants: [] }), both, vault)).toEqual({ gains: ["NEW"], loses: [] });
  });

  test("a token that has ended gets all that it will have", async () => {
    const after = claims({ ...reading(redis), capabilities: ["health"] });
    const gains = [
      "REDIS_HOST",
      `names that match ^REDIS_, ${LATER}`,
      "the capability health",
      "every meter",
      "every route",
      "every backend",
    ];
    expect(await compareRights(null, after, VAULT)).toEqual({ gains, loses: [] });
  });
});
