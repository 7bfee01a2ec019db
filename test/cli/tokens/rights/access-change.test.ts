import { expect, test } from "vitest";
import { accessChange } from "../../../../src/cli/tokens/rights/access-change.ts";
import { type AccessFlags, accessOf } from "../../../../src/cli/tokens/rights/access-flags.ts";

const ALL = { tunnels: { create: true, connect: true, list: true } };
const X = [{ scopes: { secrets: { read: { filters: { name: "X" } } } } }];
const Y = [{ scopes: { secrets: { read: { filters: { name: "Y" } } } } }];
const WEB = [{ projects: ["web"], scopes: ALL }];
const READ = "secrets.items.read";
const TUNNELS = ["tunnels.tunnels.create-delete", "tunnels.streams.create-delete", "tunnels.tunnels.list"];

/** The access before, the flags, and the access after. */
const CHANGES: readonly (readonly [string, object, AccessFlags, object])[] = [
  ["tunnels beside a secret", { grants: X }, { projects: ["web"] }, { grants: [...WEB, ...X] }],
  ["another secret beside tunnels", { grants: [...WEB, ...X] }, { only: ["Y"] }, { grants: [...WEB, ...Y] }],
  [
    "no secret beside tunnels",
    { grants: [...WEB, ...X] },
    { "no-secrets": true },
    { permissions: TUNNELS, grants: WEB },
  ],
  ["every secret, and still no tunnel", { grants: X }, { "all-secrets": true }, { permissions: [READ] }],
  [
    "tunnels beside every secret",
    { permissions: [READ] },
    { projects: ["web"] },
    { grants: [...WEB, { scopes: { secrets: { read: true } } }] },
  ],
  ["a secret for a token without any", { permissions: [] }, { only: ["X"] }, { permissions: [READ], grants: X }],
  [
    "a secret for one that mints",
    { permissions: ["api.tokens.create"] },
    { only: ["X"] },
    { permissions: ["api.tokens.create", READ], grants: X },
  ],
  [
    "a grant for both roots is two",
    { grants: [{ workspaces: ["acme"] }] },
    { only: ["X"] },
    { grants: [{ workspaces: ["acme"], scopes: ALL }, ...X] },
  ],
  [
    "a grant for tunnels alone stays one for tunnels",
    { permissions: TUNNELS, grants: [{ projects: ["web"] }] },
    { only: ["X"] },
    { grants: [...WEB, ...X] },
  ],
  [
    "a narrower tunnel right is kept",
    { permissions: ["tunnels.tunnels.list"], grants: WEB },
    { projects: ["shop"] },
    { permissions: ["tunnels.tunnels.list"], grants: [{ projects: ["shop"], scopes: ALL }] },
  ],
  [
    "permissions alone leave the grants",
    { grants: X },
    { permissions: [READ, "api.tokens.create"] },
    { permissions: [READ, "api.tokens.create"], grants: X },
  ],
  [
    "grants replace everything",
    { grants: X },
    { grants: '[{"projects":["web"]}]' },
    { permissions: TUNNELS, grants: [{ projects: ["web"] }] },
  ],
];

test.each(CHANGES)("%s", async (_title, before, flags, after) => {
  const given = { kind: "live", capabilities: [], ...before } as const;
  const changed = (await accessChange(flags))(given);
  expect({ ...changed, permissions: changed.permissions?.toSorted() }).toEqual({
    ...after,
    permissions: (after as { permissions?: string[] }).permissions?.toSorted(),
  });
});

test("a token that nothing restricts gets what tokens create would give it", async () => {
  const flags = { only: ["X"] };
  expect((await accessChange(flags))({ kind: "live", capabilities: [] })).toEqual(
    await accessOf(flags, { isForWork: false }),
  );
});
