import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { readTokenSnapshot, readTokens } from "../../../src/vault/tokens/read.ts";
import { CredentialHolder } from "../../../src/vault/unlock/credential-holder.ts";
import { ACTOR, ENV, HOUR_MS, holderOf, OLD, rejection, World } from "../../support/world.ts";

const REDIS: Partial<GivenClaims> = {
  name: "redis",
  grants: [{ scopes: { secrets: { read: { filters: { name: { regex: "^REDIS_" } } } } } }],
};

let world: World;
beforeEach(async () => {
  world = await World.pushed({ REDIS_URL: "redis://", STRIPE_KEY: "sk", REDIS_TLS: "yes" });
});

interface Held {
  readonly id: string;
  readonly lastFour: string;
  readonly holder: CredentialHolder;
}

async function created(claims: Partial<GivenClaims> = {}): Promise<Held> {
  const { plan, committed } = await world.createToken(claims);
  const credential: Secret = plan.credential ?? expect.unreachable();
  const { id, lastFour } = plan.token;
  return { id, lastFour, holder: new CredentialHolder(credential, anchorOf(committed!.manifest)) };
}

const request = (holder: CredentialHolder | ReturnType<typeof holderOf> = holderOf(OLD)) => ({
  holder,
  expect: { env: ENV },
});

describe("readTokens", () => {
  test("tells of each token what it reads, its state, and whom it replaces", async () => {
    const not_after = new Date(world.clock.ms + HOUR_MS).toISOString();
    const [redis, all] = [await created({ ...REDIS, not_after }), await created({ name: "all" })];
    const created_at = "2026-01-01T00:00:00.000Z";
    world.clock.ms += HOUR_MS;
    await world.rotateTokens(["all"]);
    const { tokens, items, settings, manifest } = await readTokens(world, request());
    const after = { endedAt: null, isSealed: true, status: "active" };
    const common = { createdBy: ACTOR, replaces: null };
    expect(tokens).toMatchObject([
      { id: redis.id, reads: { all: false, names: ["REDIS_URL", "REDIS_TLS"], of: 3 }, ...common },
      { id: all.id, lastFour: all.lastFour, reads: { all: true, of: 3 }, ...common },
      { reads: { all: true, names: ["REDIS_URL", "STRIPE_KEY", "REDIS_TLS"], of: 3 }, ...after, replaces: all.id },
    ]);
    expect(tokens.map(({ status, endedAt, isSealed }) => [status, endedAt, isSealed])).toEqual([
      ["expired", not_after, false],
      ["revoked", not_after, false],
      ["active", null, true],
    ]);
    expect(tokens[0]?.claims.created_at).toBe(created_at);
    expect([items.map(({ name, kind }) => `${kind} ${name}`), settings, manifest.gen]).toEqual([
      ["secret REDIS_URL", "secret STRIPE_KEY", "secret REDIS_TLS"],
      null,
      4,
    ]);
  });

  test("of one token, by any of its names", async () => {
    await created();
    const { id } = await created(REDIS);
    await world.settings({ min_tls: "1.3" });
    for (const only of [id, "redis"]) {
      const { tokens, settings } = await readTokens(world, { ...request(), only });
      expect([tokens.map((token) => token.id), settings]).toEqual([[id], { min_tls: "1.3" }]);
    }
    const error = await rejection(readTokens(world, { ...request(), only: "gone" }));
    expect(error).toMatchObject({
      message: 'no token "gone"',
      hint: expect.stringContaining("vsync tokens list <env> --all"),
    });
  });

  test("is for operators", async () => {
    using holder = (await created()).holder;
    expect(await rejection(readTokens(world, request(holder)))).toMatchObject({ message: "a token can only read" });
  });
});

test("a prefix of an id identifies a token from four digits on", async () => {
  const { id } = await created();
  const named = async (only: string) => (await readTokens(world, { ...request(), only })).tokens.map((it) => it.id);
  expect(await named(id.slice(0, 8))).toEqual([id]);
  expect(await rejection(named(id.slice(0, 7)))).toMatchObject({ name: "InputError" });
});

test("an ended token is meant only if no live one matches", async () => {
  const [old, live] = [await created({ name: "api" }), await created({ name: "ci" })];
  await world.revokeTokens(["api"]);
  const again = await created({ name: "api" });
  const named = async (only: string) => (await readTokens(world, { ...request(), only })).tokens.map((it) => it.id);
  expect(await named("api")).toEqual([again.id]);
  await world.revokeTokens(["ci"]);
  expect(await named("ci")).toEqual([live.id]);
  await world.revokeTokens(["api"]);
  const message = expect.stringMatching(`${old.id} \\(….{4}\\), ${again.id} \\(….{4}\\)$`);
  expect(await rejection(named("api"))).toMatchObject({ message, hint: "give one of these ids" });
});

describe("a service that may verify", () => {
  const VERIFIES: Partial<GivenClaims> = { name: "service", permissions: ["api.tokens.verify"] };

  test("reads who is live and who has ended", async () => {
    const not_after = new Date(world.clock.ms + HOUR_MS).toISOString();
    const [revoked, expired] = [await created(REDIS), await created({ not_after })];
    const service = await created(VERIFIES);
    using holder = service.holder;
    await world.revokeTokens([revoked.id]);
    world.clock.ms += HOUR_MS;
    const { id } = await created();
    const { gen, vault, claims, verify } = await readTokenSnapshot(world, request(holder));
    expect({ gen, name: claims.name }).toEqual({ gen: 6, name: "service" });
    expect(verify).toMatchObject({ vault, gen: 6 });
    expect(verify?.verify.tokens.map((token) => token.id)).toEqual([service.id, id]);
    expect(verify?.ended.toSorted()).toEqual([revoked.id, expired.id].toSorted());
  });

  test("leaves no secret of the vault behind", async () => {
    using holder = (await created({ ...VERIFIES, permissions: ["api.tokens.verify", "secrets.items.read"] })).holder;
    const { ofBytes } = Secret;
    const opened: Secret[] = [];
    const spy = vi.spyOn(Secret, "ofBytes").mockImplementation((bytes) => {
      const secret = ofBytes(bytes);
      opened.push(secret);
      return secret;
    });
    onTestFinished(() => spy.mockRestore());
    await readTokenSnapshot(world, request(holder));
    const texts = opened.filter((secret) => secret.expose().length === "redis://".length);
    expect(texts).toHaveLength(1);
    expect(texts.every((secret) => secret.expose().every((byte) => byte === 0))).toBe(true);
  });

  test("others get no list", async () => {
    using holder = (await created(REDIS)).holder;
    expect((await readTokenSnapshot(world, request(holder))).verify).toBeNull();
  });
});
