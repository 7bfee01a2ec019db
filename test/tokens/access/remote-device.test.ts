import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Authority,
  type AuthorizationRequest,
  createClientCredentialsToken,
  createTokenVerifier,
  type Permission,
  parseGrants,
} from "../../../src/tokens/index.ts";
import { snapshotOf, type TokenHere, tokenHere } from "./access-world.ts";

/*
 * The examples that people bring along from a tunnel platform, as they are written there but for the module's name: tokens
 * for remote devices, grants in their four modes, reduction.
 */

/** A backend's token may do everything that can be granted, so every refusal below is the remote device's own. */
let backend: TokenHere;
beforeAll(async () => {
  backend = await tokenHere(1);
  vi.stubEnv("RSTREAM_CLIENT_ID", backend.clientId);
  vi.stubEnv("RSTREAM_CLIENT_SECRET", backend.clientSecret);
});
afterAll(() => void vi.unstubAllEnvs());

async function authorityOf(jwt: string, owner: TokenHere = backend): Promise<Authority> {
  return createTokenVerifier({ vault: { readVerify: async () => snapshotOf([owner]) } }).verify(jwt);
}

const TUNNEL = { root: "tunnels", project: "project-id" } as const;

function plainDevice(): string {
  const { token } = createClientCredentialsToken(
    { clientId: process.env["RSTREAM_CLIENT_ID"]!, clientSecret: process.env["RSTREAM_CLIENT_SECRET"]! },
    {
      expiresInSeconds: 60,
      claims: {
        permissions: ["tunnels.tunnels.create-delete"],
        tunnelsGrants: [
          {
            projects: ["project-id"],
            scopes: { tunnels: { create: { filters: { protocol: "http", publish: true } } } },
          },
        ],
      },
    },
  );
  return token;
}

function authenticatedDevice(): string {
  const { token } = createClientCredentialsToken(
    { clientId: process.env["RSTREAM_CLIENT_ID"]!, clientSecret: process.env["RSTREAM_CLIENT_SECRET"]! },
    {
      expiresInSeconds: 60,
      claims: {
        permissions: ["tunnels.tunnels.create-delete"],
        tunnelsGrants: [
          {
            projects: ["project-id"],
            scopes: { tunnels: { create: { filters: { protocol: "http", publish: true, token_auth: true } } } },
          },
        ],
      },
    },
  );
  return token;
}

describe.each([
  ["the remote device", plainDevice, { publish: true }],
  ["the remote device whose tunnels want a token", authenticatedDevice, { publish: true, token_auth: true }],
] as const)("%s", (_title, mint, forced) => {
  let device: Authority;
  beforeAll(async () => {
    device = await authorityOf(mint());
  });

  test("creates matching HTTP tunnels for its project", () => {
    const create = { ...TUNNEL, operation: "create" };
    expect(device.authorize({ ...create, properties: { protocol: "http" } })).toEqual({
      allowed: true,
      properties: forced,
    });
    expect(device.authorize({ ...create, properties: { protocol: "tcp" } }).allowed).toBe(false);
    expect(device.authorize({ ...create, properties: { publish: false } }).allowed).toBe(false);
    expect(device.authorize({ ...create, project: "other-id" }).allowed).toBe(false);
  });

  test.each([
    ["cannot list", { ...TUNNEL, operation: "list" }, "tunnels.tunnels.list"],
    ["cannot connect", { ...TUNNEL, operation: "connect", path: "/" }, "tunnels.streams.create-delete"],
    ["manages no credentials", { permission: "api.tokens.create" }, "api.tokens.create"],
    ["reads no secret", { root: "secrets", operation: "read" }, "secrets.items.read"],
  ])("%s, for want of a permission that its backend has", async (_what, request, permission) => {
    const reason = `it lacks the permission ${permission}`;
    expect(device.authorize(request)).toEqual({ allowed: false, layer: "access", reason });
    const { token } = createClientCredentialsToken(backend, { expiresInSeconds: 60 });
    expect((await authorityOf(token)).authorize(request).allowed).toBe(true);
  });

  test("lives for a minute", () => {
    expect(device.claims.exp - device.claims.iat).toBe(60);
    expect(device.expiresAt).toEqual(new Date(device.claims.exp * 1000));
  });
});

const MODES = [
  { workspaces: ["workspace-id"] },
  { projects: ["project-id"], scopes: { tunnels: { list: true } } },
  { scopes: { tunnels: { connect: { params: { path: { regex: "^/api" } } } } } },
];
const FULL = [
  {
    projects: ["project-id"],
    scopes: {
      tunnels: {
        create: { filters: { protocol: "http", publish: true, token_auth: true } },
        connect: { params: { path: { regex: "^/api" } } },
        list: { select: { id: true, name: true, protocol: true } },
      },
    },
  },
];

const REACHED = [{ scopes: { tunnels: { connect: { filters: { protocol: "http" } } } } }];

/** Each case with the result of a request: the fields or the forced properties, or false. */
const ANSWERS: readonly [string, unknown, AuthorizationRequest, unknown][] = [
  ["a workspace", MODES, { root: "tunnels", operation: "create", workspace: "workspace-id" }, { properties: {} }],
  ["a project", MODES, { ...TUNNEL, operation: "list" }, { fields: true }],
  ["a project, another operation", MODES, { ...TUNNEL, operation: "create" }, false],
  ["any target, a path", MODES, { root: "tunnels", operation: "connect", path: "/api/x" }, {}],
  [
    "outside that path, even if public",
    MODES,
    { ...TUNNEL, operation: "connect", path: "/", properties: { publish: true } },
    false,
  ],
  [
    "what is forced",
    FULL,
    { ...TUNNEL, operation: "create" },
    { properties: { protocol: "http", publish: true, token_auth: true } },
  ],
  ["tunnels with a property", REACHED, { ...TUNNEL, operation: "connect", properties: { protocol: "http" } }, {}],
  ["tunnels with another", REACHED, { ...TUNNEL, operation: "connect", properties: { protocol: "tcp" } }, false],
  ["three fields", FULL, { ...TUNNEL, operation: "list" }, { fields: ["id", "name", "protocol"] }],
];

test.each(ANSWERS)("a grant for %s", async (_title, grants, request, answer) => {
  const owner = await tokenHere(2);
  const claims = { grants: parseGrants(grants) };
  const { token } = createClientCredentialsToken(owner, { expiresInSeconds: 60, claims });
  const decision = (await authorityOf(token, owner)).authorize(request);
  expect(decision).toEqual(
    answer === false ? expect.objectContaining({ allowed: false }) : { allowed: true, ...(answer as object) },
  );
});

describe("permissions", () => {
  const owner = tokenHere(3, { permissions: ["api.tokens.create", "tunnels.tunnels.create-delete"] });
  test.each<[string, readonly Permission[] | null, readonly [create: boolean, list: boolean]]>([
    ["null keeps those of the token that mints", null, [true, false]],
    ["an explicit array reduces them", ["tunnels.tunnels.list"], [false, false]],
    ["an explicit array cannot add to them", ["tunnels.tunnels.create-delete", "tunnels.tunnels.list"], [true, false]],
  ])("%s", async (_title, permissions, allowed) => {
    const { token } = createClientCredentialsToken(await owner, { expiresInSeconds: 60, claims: { permissions } });
    const authority = await authorityOf(token, await owner);
    expect(authority.claims.permissions ?? null).toEqual(permissions);
    expect(["create", "list"].map((operation) => authority.authorize({ ...TUNNEL, operation }).allowed)).toEqual(
      allowed,
    );
  });
});

test.each([
  ["none, which hands on its own", undefined],
  ["wider ones", [{ projects: ["project-id", "other-id"] }]],
  ["those of another project", [{ projects: ["other-id"] }]],
])("a token with grants stays within them if it mints with %s", async (_title, given) => {
  const permissions = ["api.tokens.create", "tunnels.tunnels.create-delete"] as const;
  const owner = await tokenHere(5, { permissions, grants: parseGrants([{ projects: ["project-id"] }]) });
  const claims = given === undefined ? {} : { grants: parseGrants(given) };
  const { token } = createClientCredentialsToken(owner, { expiresInSeconds: 60, claims });
  const authority = await authorityOf(token, owner);
  const creates = (project: string): boolean =>
    authority.authorize({ ...TUNNEL, project, operation: "create" }).allowed;
  expect(creates("project-id")).toBe(given?.[0]?.projects.includes("project-id") ?? true);
  expect(creates("other-id")).toBe(false);
});

test("a setting of the vault requires authentication of public tunnels, even if the token forces otherwise", async () => {
  const vault = {
    readVerify: async () =>
      snapshotOf([backend], { verify: { settings: { require_auth: true }, tokens: [backend.stored] } }),
  };
  const { token } = createClientCredentialsToken(backend, { expiresInSeconds: 60 });
  const authority = await createTokenVerifier({ vault }).verify(token);
  const create = { ...TUNNEL, operation: "create" };
  expect(authority.authorize({ ...create, properties: { publish: true } })).toMatchObject({
    allowed: false,
    layer: "settings",
  });
  expect(authority.authorize({ ...create, properties: { publish: true, token_auth: true } }).allowed).toBe(true);
});

/** The bodies of both requests to an API in the documents, byte for byte. */
const BODIES = [
  `{
    "permissions": ["tunnels.tunnels.create-delete"],
    "tunnelsGrants": [
      {
        "projects": ["project-id"],
        "scopes": {
          "tunnels": {
            "create": {
              "filters": {
                "protocol": "http",
                "publish": true
              }
            }
          }
        }
      }
    ]
  }`,
  `{
    "permissions": ["tunnels.tunnels.create-delete"],
    "tunnelsGrants": [
      {
        "projects": ["project-id"],
        "scopes": {
          "tunnels": {
            "create": {
              "filters": {
                "protocol": "http",
                "publish": true,
                "token_auth": true
              }
            }
          }
        }
      }
    ]
  }`,
];

test.each(BODIES)("the body of a request for a narrower token is taken as it is", async (body) => {
  const claims = JSON.parse(body);
  const { token } = createClientCredentialsToken(backend, { expiresInSeconds: 60, claims });
  const authority = await authorityOf(token);
  expect(authority.authorize({ ...TUNNEL, operation: "create" })).toEqual({
    allowed: true,
    properties: claims.tunnelsGrants[0].scopes.tunnels.create.filters,
  });
  expect(authority.authorize({ ...TUNNEL, project: "other-id", operation: "create" }).allowed).toBe(false);
});

test("grants do not limit `api.*`, and allow nothing without the permission", async () => {
  const grants = parseGrants([{ projects: ["project-id"] }]);
  const owner = await tokenHere(4, { permissions: ["api.tokens.create"], grants });
  const { token } = createClientCredentialsToken(owner, { expiresInSeconds: 60 });
  const authority = await authorityOf(token, owner);
  expect(authority.authorize({ permission: "api.tokens.create" }).allowed).toBe(true);
  expect(authority.authorize({ ...TUNNEL, operation: "create" }).allowed).toBe(false);
});
