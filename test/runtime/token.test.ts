import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { createTokenVerifier } from "../../src/tokens/index.ts";
import { directoryVault, open, rejectionOf, temporaryFolder } from "./fixture.ts";

const READ_URL = [{ scopes: { secrets: { read: { filters: { name: "DATABASE_URL" } } } } }];
const DAY_MS = 86_400_000;

test("opens with the credential in VSYNC_CONFIG alone, and reads only what it was granted", async () => {
  const vault = await directoryVault();
  const { config, id } = await vault.token({ name: "api", grants: READ_URL });
  const handle = await open(vault, { env: { VSYNC_CONFIG: config, API_KEY: "of the environment" } });
  expect(handle.keys()).toEqual(["DATABASE_URL"]);
  expect([handle.source("DATABASE_URL"), handle.source("API_KEY"), handle.has("EMPTY")]).toEqual([
    "vault",
    "env",
    false,
  ]);
  expect(handle.token).toEqual({ id, name: "api", kind: "live", capabilities: [] });
  expect(await rejectionOf(handle.readVerify())).toMatchObject({
    message: "this token may not verify others",
    hint: expect.stringContaining("--permissions=api.tokens.verify"),
  });
});

test("a credential apart wins over the one in the token, and no passphrase is read beside it", async () => {
  const vault = await directoryVault();
  const [own, apart] = [await vault.token({ name: "own" }), await vault.token({ name: "apart" })];
  const passphrase = { VSYNC_PASSPHRASE: "", VSYNC_PASSPHRASE_FILE: "/nowhere" };
  const env = { ...passphrase, VSYNC_CONFIG: own.config };
  expect((await open(vault, { env })).token?.name).toBe("own");
  expect((await open(vault, { env: { ...env, VSYNC_TOKEN: apart.credential } })).token?.name).toBe("apart");
  expect((await open(vault, { env: { ...env, VSYNC_TOKEN: "" }, token: apart.credential })).token?.name).toBe("apart");
  const empty = await rejectionOf(Vsync.open({ env: { ...env, VSYNC_TOKEN: "" } }));
  expect(empty).toMatchObject({ code: "CONFIG_MISSING", message: "VSYNC_TOKEN is empty" });
  const unpinned = await rejectionOf(Vsync.open({ env: { VSYNC_CONFIG: vault.config, VSYNC_TOKEN: own.credential } }));
  expect(unpinned).toMatchObject({ code: "CONFIG_INVALID" });
  expect((await open(vault)).token).toBeUndefined();
});

test("warns in the 14 days before the token expires, and not before", async () => {
  const vault = await directoryVault();
  const warn = vi.fn();
  const warned: object[] = [];
  for (const days of [13, 15]) {
    const expiresAt = new Date(Date.now() + days * DAY_MS).toISOString();
    const { config, id } = await vault.token({ not_after: expiresAt, capabilities: ["health"] });
    const { token } = await open(vault, { env: { VSYNC_CONFIG: config }, logger: { warn } });
    expect(token).toEqual({ id, kind: "live", capabilities: ["health"], expiresAt });
    const fields = { code: "VSYNC_TOKEN_EXPIRES", token: id, expiresAt, hint: expect.any(String) };
    if (days === 13) warned.push([fields, `vsync: the token ${id} expires ${expiresAt}`]);
  }
  expect(warn.mock.calls).toEqual(warned);
});

test("the sealed copy stands in for a store that is down, with a token as with a passphrase", async () => {
  const vault = await directoryVault();
  const { config, id } = await vault.token({ grants: READ_URL });
  const cache = { cache: `${await temporaryFolder()}/cache`, maxAge: DAY_MS, logger: { warn: () => {} } };
  const first = await open(vault, { env: { VSYNC_CONFIG: config }, ...cache });
  expect(first.openedToken).toMatchObject({ gen: 2, claims: { id } });
  await rm(join(vault.folder, "../.."), { recursive: true });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
  onTestFinished(() => void vi.useRealTimers());
  const handle = await open(vault, { env: { VSYNC_CONFIG: config }, ...cache });
  expect([handle.keys(), handle.ageMs >= 60_000]).toEqual([["DATABASE_URL"], true]);
  expect(handle.openedToken).toBeNull();
});

test("signs access tokens, which a service with api.tokens.verify verifies, until the token is revoked", async () => {
  const vault = await directoryVault();
  const app = await vault.token({ name: "app" });
  const service = await vault.token({ name: "service", permissions: ["api.tokens.verify"] });
  const [handle, verifying] = [
    await open(vault, { env: { VSYNC_CONFIG: app.config } }),
    await open(vault, { env: { VSYNC_CONFIG: service.config } }),
  ];
  const claims = { permissions: ["tunnels.tunnels.list"] } as const;
  const { token, expiresAt } = await handle.accessToken({ expiresInSeconds: 60, audience: "edge", claims });
  const nowMs = Date.now();
  expect(Math.abs(expiresAt.getTime() - nowMs - 60_000)).toBeLessThan(30_000);
  const clock = { ms: nowMs, nowMs: () => clock.ms };
  const verifier = createTokenVerifier({ vault: verifying, audience: "edge", clock });
  const authority = await verifier.verify(token);
  expect(authority).toMatchObject({ tokenId: app.id, kind: "live" });
  expect(authority.authorize({ root: "tunnels", operation: "list" }).allowed).toBe(true);
  expect(authority.authorize({ root: "secrets", operation: "read" }).allowed).toBe(false);
  await vault.revokeToken(app.id);
  clock.ms += 61_000;
  expect(await rejectionOf(verifier.verify(token))).toMatchObject({ code: "ACCESS_TOKEN" });
  expect(await rejectionOf(Vsync.open({ env: { VSYNC_CONFIG: app.config } }))).toMatchObject({
    name: "TokenRevokedError",
    message: expect.stringMatching(/^tok_\w+ was revoked 2\d{3}-/),
  });
  expect(handle.keys()).toContain("DATABASE_URL");
  await handle.close();
  expect(await rejectionOf(handle.accessToken({ expiresInSeconds: 60 }))).toMatchObject({ code: "INPUT" });
  const passphrase = await open(vault);
  expect(await rejectionOf(passphrase.accessToken({ expiresInSeconds: 60 }))).toMatchObject({ code: "INPUT" });
});
