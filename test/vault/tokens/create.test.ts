import { beforeEach, describe, expect, test } from "vitest";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { ACTOR, HOUR_MS, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

const endOf = (ms: number): string => new Date(world.clock.ms + ms).toISOString();

test("the plan has the token, its credential once, and the vault's names; the row says what it may", async () => {
  const not_after = endOf(HOUR_MS);
  const { plan, committed } = await world.createToken({ name: "api", capabilities: ["health"], not_after });
  const created_at = "2026-01-01T00:00:00.000Z";
  const { id, lastFour } = plan.token;
  expect(plan).toMatchObject({
    token: { claims: { id, name: "api", not_after, created_at }, status: "active", createdBy: ACTOR, replaces: null },
    names: ["A", "B"],
    gen: 1,
  });
  expect([plan.credential?.exposeText().slice(0, 10), plan.credential?.exposeText().endsWith(lastFour)]).toEqual([
    "vsrt_live_",
    true,
  ]);
  const meta = { event: "token-create", token: id, last_four: lastFour, capabilities: ["health"], not_after };
  expect(committed?.manifest.meta).toEqual(meta);
  const other = (await world.createToken({ kind: "test" })).plan;
  expect([other.credential?.exposeText().slice(0, 10), other.token.claims.kind]).toEqual(["vsrt_test_", "test"]);
});

describe("a name", () => {
  test("is free again once its token has ended", async () => {
    await world.createToken({ name: "api", not_after: endOf(HOUR_MS) });
    const error = await rejection(world.createToken({ name: "api" }));
    expect(error).toMatchObject({ name: "InputError", hint: expect.stringContaining("--name") });
    world.clock.ms += HOUR_MS;
    expect((await world.createToken({ name: "api" })).committed).not.toBeNull();
  });

  test("is not needed: unnamed tokens do not get in each other's way", async () => {
    await world.createToken();
    expect((await world.createToken({}, { ifAbsent: true })).committed).not.toBeNull();
    expect(await world.tokens()).toHaveLength(2);
  });
});

describe("if a token of the name is there", () => {
  const lists: Partial<GivenClaims> = { name: "api", meters: ["a", "b"], capabilities: ["metering", "health"] };

  test.each<[string, Partial<GivenClaims>]>([
    ["in another order", { ...lists, meters: ["b", "a"] }],
    ["with another end", { ...lists, not_after: "2026-06-01T00:00:00.000Z" }],
  ])("the same claims %s are the same", async (_name, claims) => {
    await world.createToken({ ...lists, ...(claims.not_after === undefined ? {} : { not_after: endOf(HOUR_MS) }) });
    const { plan, committed } = await world.createToken(claims, { ifAbsent: true });
    expect([plan.credential, committed, plan.token.claims.name, plan.names, plan.gen]).toEqual([
      null,
      null,
      "api",
      ["A", "B"],
      2,
    ]);
  });

  test.each<[string, Partial<GivenClaims>]>([
    ["one meter less", { ...lists, meters: ["a"] }],
    ["another meter", { ...lists, meters: ["a", "c"] }],
    ["no list of meters", { name: "api", capabilities: ["metering", "health"] }],
    ["an end", { ...lists, not_after: "2026-06-01T00:00:00.000Z" }],
    ["the other kind", { ...lists, kind: "test" }],
    ["a grant", { ...lists, grants: [{ scopes: { secrets: { read: true } } }] }],
  ])("%s is not the same", async (_name, claims) => {
    await world.createToken(lists);
    expect(await rejection(world.createToken(claims, { ifAbsent: true }))).toMatchObject({ name: "InputError" });
    expect(await world.tokens()).toHaveLength(1);
  });
});
