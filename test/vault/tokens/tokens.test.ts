import { beforeEach, describe, expect, test } from "vitest";
import type { Secret } from "../../../src/crypto/secret.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { committedBy, HOUR_MS, NEW, OLD, rejection, type Secrets, secretsOf, World } from "../../support/world.ts";

const SECRETS = { DATABASE_URL: "postgres://", REDIS_URL: "redis://1", REDIS_TLS: "yes" };
/** Reads the names that start with REDIS_. */
const REDIS: Partial<GivenClaims> = {
  name: "api",
  grants: [{ scopes: { secrets: { read: { filters: { name: { regex: "^REDIS_" } } } } } }],
};

let world: World;

beforeEach(async () => {
  world = await World.pushed(SECRETS);
});

/** What an app holds: its credential, and the anchor that its blob pins. */
interface Held {
  readonly credential: Secret;
  readonly anchor: string | undefined;
  readonly id: string;
}

async function created(claims: Partial<GivenClaims> = {}, by: World = world): Promise<Held> {
  const { plan, committed } = await by.createToken(claims);
  if (plan.credential === null || committed === null) throw new TypeError("no token was created");
  return { credential: plan.credential, anchor: anchorOf(committed.manifest), id: plan.token.id };
}

async function read(held: Held, by: World = world): Promise<Secrets> {
  return secretsOf((await by.openToken(held.credential, held.anchor)).bundle.items);
}

async function refused(held: Held): Promise<unknown> {
  return rejection(world.openToken(held.credential, held.anchor));
}

describe("a token", () => {
  test("reads what it was granted, today and after a push", async () => {
    const [all, redis] = [await created(), await created(REDIS)];
    expect(await read(all)).toEqual(SECRETS);
    expect(await read(redis)).toEqual({ REDIS_URL: "redis://1", REDIS_TLS: "yes" });
    await world.push({ ...SECRETS, REDIS_URL: "redis://2", REDIS_NEW: "1" });
    expect(await read(redis)).toEqual({ REDIS_URL: "redis://2", REDIS_TLS: "yes", REDIS_NEW: "1" });
  });

  test("outlives a rotation of the passphrase", async () => {
    const held = await created(REDIS);
    await world.rotate(OLD, NEW);
    expect(Object.keys(await read(held))).toEqual(["REDIS_URL", "REDIS_TLS"]);
  });

  test("ends with its revocation, and a restore does not bring it back", async () => {
    const held = await created(REDIS);
    await world.revokeTokens(["api"]);
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
    await world.push({ A: "1" });
    await world.restore(2);
    expect(await world.secrets()).toEqual(SECRETS);
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
  });

  test("expires at once, and its slot goes with the next commit", async () => {
    const held = await created({ not_after: new Date(world.clock.ms + HOUR_MS).toISOString() });
    expect(await read(held)).toEqual(SECRETS);
    world.clock.ms += HOUR_MS;
    expect(await refused(held)).toMatchObject({ name: "TokenExpiredError" });
    expect((await world.tokens()).map(({ status, isSealed }) => [status, isSealed])).toEqual([["expired", true]]);
    expect(committedBy(await world.pruneTokens()).manifest.action).toBe("token-prune");
    expect((await world.tokens()).map(({ isSealed }) => isSealed)).toEqual([false]);
  });

  test("cannot write, nor open older generations", async () => {
    const held = await created();
    const { unlocked } = await world.openToken(held.credential, held.anchor);
    expect(() => unlocked.requireWriter()).toThrow("a token can only read");
  });
});
