import { beforeAll, describe, expect, test } from "vitest";
import {
  type Authority,
  type AuthorizationRequest,
  createClientCredentialsToken,
  createTokenVerifier,
  parseGrants,
} from "../../../src/tokens/index.ts";
import { snapshotOf, type TokenHere, tokenHere } from "./access-world.ts";

/*
 * The examples that people bring along from a tunnel platform, as they are written there but for the module's name: tokens
 * for remote devices, grants in their four modes, reduction.
 */

let backend: TokenHere;
beforeAll(async () => {
  backend = await tokenHere(1, { permissions: ["api.tokens.create", "tunnels.tunnels.create-delete"] });
  process.env["RSTREAM_CLIENT_ID"] = backend.clientId;
  process.env["RSTREAM_CLIENT_SECRET"] = backend.clientSecret;
});

async function authorityOf(jwt: string, owner: TokenHere = backend): Promise<Authority> {
  return createTokenVerifier({ vault: { readVerify: async () => snapshotOf([owner]) } }).verify(jwt);
}

const TUNNEL = { root: "tunnels", project: "project-id" } as const;

describe("the remote device", () => {
  let device: Authority;
  beforeAll(async () => {
    const { token } = createClientCredentialsToken(
      {
        clientId: process.env["RSTREAM_CLIENT_ID"]!,
        clientSecret: process.env["RSTREAM_CLIENT_SECRET"]!,
      },
      {
        expiresInSeconds: 60,
        claims: {
          permissions: ["tunnels.tunnels.create-delete"],
          tunnelsGrants: [
            {
              projects: ["project-id"],
              scopes: {
                tunnels: {
                  create: {
                    filters: {
                      protocol: "http",
                      publish: true,
                    },
                  },
                },
              },
            },
          ],
        },
      },
    );
    device = await authorityOf(token);
  });

  test("creates matching HTTP tunnels for its project", () => {
    const create = { ...TUNNEL, operation: "create" };
    expect(device.authorize({ ...create, properties: { protocol: "http" } })).toEqual({
      allowed: true,
      properties: { publish: true },
    });
    expect(device.authorize({ ...create, properties: { protocol: "tcp" } }).allowed).toBe(false);
    expect(device.authorize({ ...create, project: "other-id" }).allowed).toBe(false);
  });

  test("cannot list, and cannot connect to tunnels", () => {
    expect(device.authorize({ ...TUNNEL, operation: "list" })).toEqual({
      allowed: false,
      layer: "stored",
      reason: "it lacks the permission tunnels.tunnels.list",
    });
    expect(device.authorize({ ...TUNNEL, operation: "connect", path: "/" }).allowed).toBe(false);
  });

  test("manages no credentials: it may mint nothing", () => {
    expect(device.authorize({ permission: "api.tokens.create" })).toMatchObject({ allowed: false, layer: "access" });
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

/** Each with what a request to it answers: the fields or the forced properties, or false. */
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

test("`permissions: null` keeps those of the token that mints", async () => {
  const { token } = createClientCredentialsToken(backend, { expiresInSeconds: 60, claims: { permissions: null } });
  const authority = await authorityOf(token);
  expect(authority.claims).not.toHaveProperty("permissions");
  expect(authority.authorize({ ...TUNNEL, operation: "create" }).allowed).toBe(true);
});

test("a setting of the vault requires authentication of public tunnels, also against the token's force", async () => {
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

/** The bodies of both requests to an API of the documents. */
const BODIES = [
  { protocol: "http", publish: true } as const,
  { protocol: "http", publish: true, token_auth: true } as const,
].map((filters) => ({
  permissions: ["tunnels.tunnels.create-delete"] as const,
  tunnelsGrants: [{ projects: ["project-id"], scopes: { tunnels: { create: { filters } } } }],
}));

test.each(BODIES)("the body of a request for a narrower token is taken as it is", async (claims) => {
  const { token } = createClientCredentialsToken(backend, { expiresInSeconds: 60, claims });
  const authority = await authorityOf(token);
  expect(authority.authorize({ ...TUNNEL, operation: "create" })).toEqual({
    allowed: true,
    properties: claims.tunnelsGrants[0]?.scopes.tunnels.create.filters,
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
