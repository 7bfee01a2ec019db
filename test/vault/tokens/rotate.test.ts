import { beforeEach, describe, expect, test } from "vitest";
import { ACTOR, HOUR_MS, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

const endOf = (ms: number): string => new Date(world.clock.ms + ms).toISOString();

async function ends(): Promise<(string | null | undefined)[]> {
  const { roll } = (await world.writable()).tokens;
  return roll.tokens.map(({ revoked_at, claims }) => (revoked_at === undefined ? claims.not_after : null));
}

describe("an overlap", () => {
  test("ends the old token then, or earlier if that was its end, and is in plan and row", async () => {
    await world.createToken({ name: "long", not_after: endOf(2 * HOUR_MS) });
    await world.createToken({ name: "short", not_after: endOf(HOUR_MS / 2) });
    await world.createToken({ name: "endless" });
    const names = ["long", "short", "endless"];
    const { plan, committed } = await world.rotateTokens(names, { overlapMs: HOUR_MS });
    const [overlap, short, long] = [endOf(HOUR_MS), endOf(HOUR_MS / 2), endOf(2 * HOUR_MS)];
    expect(await ends()).toEqual([overlap, short, overlap, long, short, undefined]);
    expect(plan).toMatchObject({ overlapUntil: overlap, gen: 4 });
    expect(plan.rotated.map(({ ended }) => ended)).toEqual([[], [], []]);
    expect(plan.rotated.map(({ token }) => [token.claims.name, token.createdBy])).toEqual(
      names.map((name) => [name, ACTOR]),
    );
    const tokens = plan.rotated.map(({ old, token }) => ({ token: token.id, replaces: old.id }));
    expect(committed?.manifest.meta).toEqual({ event: "token-rotate", tokens, not_after: overlap });
  });

  test.each([0, -1, Date.parse("9999-12-31T23:59:59.999Z")])("of %i ms is refused", async (overlapMs) => {
    await world.createToken({ name: "api" });
    expect(await rejection(world.rotateTokens(["api"], { overlapMs }))).toMatchObject({
      name: "InputError",
      message: "the overlap must be positive and end before the year 10000",
      hint: expect.stringContaining("--overlap"),
    });
  });

  test("may last until the year ends in 9999", async () => {
    await world.createToken({ name: "api" });
    const last = "9999-12-31T23:59:59.999Z";
    await world.rotateTokens(["api"], { overlapMs: Date.parse(last) - world.clock.ms });
    expect((await ends())[0]).toBe(last);
  });
});

test("without one the plan says so, and the old credential has ended", async () => {
  await world.createToken({ name: "api", not_after: endOf(HOUR_MS) });
  const { plan } = await world.rotateTokens(["api"]);
  expect(plan.overlapUntil).toBeNull();
  expect(await ends()).toEqual([null, endOf(HOUR_MS)]);
});

test("a token that is named twice gets one new credential", async () => {
  const { id } = (await world.createToken({ name: "api" })).plan.token;
  expect((await world.rotateTokens([id, "api"])).plan.rotated).toHaveLength(1);
});

test("rotating all tokens of a vault without any changes nothing", async () => {
  const { id } = (await world.createToken()).plan.token;
  await world.revokeTokens([id]);
  expect(await world.rotateTokens("all")).toMatchObject({ plan: { rotated: [] }, committed: null });
});

test("a token that has ended is refused, with a hint that helps", async () => {
  const [expired, revoked] = [
    (await world.createToken({ not_after: endOf(HOUR_MS) })).plan.token.id,
    (await world.createToken()).plan.token.id,
  ];
  await world.revokeTokens([revoked]);
  world.clock.ms += HOUR_MS;
  expect(await rejection(world.rotateTokens([expired]))).toMatchObject({
    name: "InputError",
    message: `the token ${expired} ended 2026-01-01T01:00:00.000Z`,
    hint: expect.stringContaining("vsync tokens update --expires"),
  });
  expect(await rejection(world.rotateTokens([revoked]))).toMatchObject({
    message: `the token ${revoked} ended 2026-01-01T00:00:00.000Z`,
    hint: expect.stringContaining("vsync tokens create"),
  });
});
