import { beforeEach, describe, expect, test } from "vitest";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { HOUR_MS, rejection, World } from "../../support/world.ts";

const DAY_MS = 24 * HOUR_MS;
const REDIS: Partial<GivenClaims> = {
  name: "redis",
  grants: [{ scopes: { secrets: { read: { filters: { name: { regex: "^REDIS_" } } } } } }],
};

let world: World;
beforeEach(async () => {
  world = await World.pushed({ DATABASE_URL: "postgres://", REDIS_URL: "redis://" });
});

const endOf = (ms: number): string => new Date(world.clock.ms + ms).toISOString();
const same = (claims: GivenClaims): GivenClaims => claims;
const withEnd = (claims: GivenClaims): GivenClaims => ({ ...claims, not_after: endOf(HOUR_MS) });

test("the plan has the token before and after, and the row what it may now", async () => {
  const { token } = (await world.createToken(REDIS)).plan;
  const not_after = endOf(HOUR_MS);
  const change = ({ grants: _all, ...claims }: GivenClaims): GivenClaims => ({
    ...claims,
    capabilities: ["metering"],
    not_after,
  });
  const { plan, committed } = await world.updateToken("redis", change);
  expect(plan).toMatchObject({
    before: { id: token.id, reads: { names: ["REDIS_URL"] } },
    after: { id: token.id, reads: { names: ["DATABASE_URL", "REDIS_URL"], all: true }, claims: { not_after } },
    names: ["DATABASE_URL", "REDIS_URL"],
    isChanged: true,
    gen: 2,
  });
  expect(plan.after.claims.created_at).toBe(token.claims.created_at);
  const { lastFour: last_four } = token;
  const meta = { event: "token-update", token: token.id, last_four, capabilities: ["metering"], not_after };
  expect(committed?.manifest).toMatchObject({ action: "token-update", meta });
  expect(committed?.manifest.meta).toEqual(meta);
  expect((await world.tokens()).map(({ claims }) => claims)).toEqual([plan.after.claims]);
  const { plan: again } = await world.updateToken("redis", same);
  expect([again.isChanged, again.gains, again.loses]).toEqual([false, [], []]);
});

test("the row of a gateway says that it is one, whoever made or changed it", async () => {
  const { plan, committed } = await world.createToken({ name: "gateway", permissions: ["api.gateway.sign"] });
  const { id: token, lastFour: last_four } = plan.token;
  const meta = { token, last_four, capabilities: [], gateway: true };
  expect(committed?.manifest.meta).toEqual({ event: "token-create", ...meta });
  const updated = await world.updateToken("gateway", (claims) => ({ ...claims, name: "edge" }));
  expect(updated.committed?.manifest.meta).toEqual({ event: "token-update", ...meta });
});

describe("a token that has ended", () => {
  test("can have another end for 30 days, and then gains all that it may", async () => {
    const { id } = (await world.createToken({ ...REDIS, not_after: endOf(HOUR_MS) })).plan.token;
    world.clock.ms += HOUR_MS + 30 * DAY_MS;
    const { plan } = await world.updateToken(id, withEnd, { confirm: () => false });
    expect(plan.gains).toEqual(expect.arrayContaining(["REDIS_URL", "every meter"]));
    expect([plan.before.status, plan.after.status]).toEqual(["expired", "active"]);
    world.clock.ms += 1;
    expect(await rejection(world.updateToken(id, withEnd))).toMatchObject({
      message: `the token ${id} expired more than 30 days ago, 2026-01-01T01:00:00.000Z`,
    });
  });

  test("by revocation cannot be renewed", async () => {
    const { id } = (await world.createToken({ not_after: endOf(HOUR_MS) })).plan.token;
    await world.revokeTokens([id]);
    expect(await rejection(world.updateToken(id, withEnd))).toMatchObject({
      name: "InputError",
      message: `the token ${id} was revoked, 2026-01-01T00:00:00.000Z`,
      hint: expect.stringContaining("vsync tokens create"),
    });
  });
});

describe("a name", () => {
  const named = (name: string) => (claims: GivenClaims) => ({ ...claims, name });

  test("is one live token's alone", async () => {
    const taken = (await world.createToken({ name: "api" })).plan.token;
    await world.createToken({ name: "ci" });
    expect(await rejection(world.updateToken("ci", named("api")))).toMatchObject({
      name: "InputError",
      message: expect.stringContaining(`${taken.id}, …${taken.lastFour}`),
    });
    await world.revokeTokens(["api"]);
    expect((await world.updateToken("ci", named("api"))).committed).not.toBeNull();
  });

  test("is shared by a token and what replaces it, during an overlap", async () => {
    await world.createToken({ name: "api" });
    const { plan } = await world.rotateTokens(["api"], { overlapMs: HOUR_MS });
    const [{ old, token } = expect.unreachable()] = plan.rotated;
    for (const { id } of [old, token]) {
      const { committed } = await world.updateToken(id, (claims) => ({ ...claims, meters: [] }));
      expect(committed).not.toBeNull();
    }
    await world.createToken({ name: "ci" });
    expect(await rejection(world.updateToken("ci", named("api")))).toMatchObject({
      message: expect.stringContaining(`${token.id}, `),
    });
  });

  test("may be missing", async () => {
    await world.createToken();
    const { id } = (await world.createToken()).plan.token;
    expect((await world.updateToken(id, (claims) => ({ ...claims, meters: [] }))).committed).not.toBeNull();
  });
});

describe("what the settings no longer have", () => {
  beforeEach(async () => {
    await world.settings({ backends: [{ id: "api" }], meters: [{ key: "pages" }] });
    await world.createToken({ name: "api", backend: "api", meters: ["pages"] });
    await world.settings({ backends: [], meters: [] });
  });

  test("does not keep a token from being changed otherwise", async () => {
    expect((await world.updateToken("api", withEnd)).committed).not.toBeNull();
  });

  test("cannot be given to it", async () => {
    const giving = (change: Partial<GivenClaims>) => world.updateToken("api", (claims) => ({ ...claims, ...change }));
    const message = (what: string) => ({ message: `the vault's settings have no ${what}` });
    expect(await rejection(giving({ backend: "gone" }))).toMatchObject(message('backend "gone"'));
    await world.settings({ backends: [{ id: "api" }], meters: [] });
    expect(await rejection(giving({ meters: ["gone"] }))).toMatchObject(message('meter "gone"'));
  });
});

test("claims that cannot be checked are refused", async () => {
  await world.createToken({ name: "api" });
  const change = (claims: GivenClaims) => ({ ...claims, not_after: "tomorrow" });
  expect(await rejection(world.updateToken("api", change))).toMatchObject({ name: "GrantInvalidError" });
});
