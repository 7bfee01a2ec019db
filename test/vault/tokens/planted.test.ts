import { beforeEach, describe, expect, test } from "vitest";
import type { JsonValue } from "../../../src/canonical-json.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import { examineTokens, plantedTokens, verifyTokensToo } from "../../../src/vault/tokens/planted.ts";
import { CredentialHolder } from "../../../src/vault/unlock/credential-holder.ts";
import { ENV, HOUR_MS, holderOf, OLD, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

const examine = (holder = holderOf(OLD)) => examineTokens(world, { holder, expect: { env: ENV } });

test("a vault whose tokens were created, rotated and revoked has none that are planted", async () => {
  await world.createToken({ name: "a" });
  await world.createToken({ name: "b" });
  await world.rotateTokens("all", { overlapMs: HOUR_MS });
  await world.revokeTokens(["b"]);
  await world.push({ A: "2" });
  expect((await world.verifyTokens()).rows).toHaveLength(6);
});

test("what a row of a rotation says in another form creates no token", async () => {
  const { id } = (await world.createToken()).plan.token;
  const { roll } = (await world.writable()).tokens;
  const row = (...tokens: JsonValue[]) => [{ action: "token-rotate", meta: { tokens } }];
  expect(plantedTokens(roll, world.clock.ms, row(null, id, [id], { replaces: id }))).toEqual([id]);
  expect(plantedTokens(roll, world.clock.ms, row({ token: id }))).toEqual([]);
});

test("a vault that does not open is an error, not one without tokens", async () => {
  await world.createToken();
  const { bundle } = await world.manifest();
  world.tamper(bundle.key, world.bytes(bundle.key).toReversed());
  expect(await rejection(world.verifyTokens())).toMatchObject({ name: "BundleCorruptError" });
});

describe("examineTokens", () => {
  test("counts the live ones, and those that have ended and still have slots", async () => {
    expect(await examine()).toBeNull();
    const not_after = new Date(world.clock.ms + HOUR_MS).toISOString();
    for (const claims of [{}, { not_after }, { not_after }]) await world.createToken(claims);
    expect(await examine()).toEqual({ live: 3, sealed: 0 });
    world.clock.ms += HOUR_MS;
    expect(await examine()).toEqual({ live: 1, sealed: 2 });
    await world.push({ A: "2" });
    expect(await examine()).toEqual({ live: 1, sealed: 0 });
    // A clock behind that of the machine that wrote last.
    world.clock.ms -= 2 * HOUR_MS;
    expect(await examine()).toEqual({ live: 3, sealed: 0 });
  });

  test("is null for the holder of a token, who can only verify the rows", async () => {
    const { plan, committed } = await world.createToken();
    using holder = new CredentialHolder(plan.credential ?? expect.unreachable(), anchorOf(committed!.manifest));
    const request = { holder, expect: { env: ENV } };
    expect(await examineTokens(world, request)).toBeNull();
    expect((await verifyTokensToo(world, request)).rows).toHaveLength(2);
  });
});
