import { expect, test } from "vitest";
import { batchKey } from "../../../src/usage/batch.ts";
import { ulid } from "../../../src/usage/ulid.ts";
import { EMPTY_ROLL } from "../../../src/vault/format/tokens/roll.ts";
import { vaultRules } from "../../../src/vault/usage/rules.ts";
import { ENV, HOUR_MS, holderOf, NEW, OLD, START_MS, seededRandom, World } from "../../support/world.ts";

test("for tokens that the roll has dropped, rows say what they were allowed and when they ended", async () => {
  const world = await World.pushed();
  const at = (ms: number) => new Date(START_MS + ms).toISOString();
  await world.createToken({ name: "expiring", capabilities: ["metering"], not_after: at(9 * HOUR_MS) });
  await world.createToken({ name: "gateway", capabilities: ["metering"], permissions: ["api.gateway.sign"] });
  await world.createToken({ name: "mute", capabilities: ["health"] });
  await world.createToken({ name: "revoked", capabilities: ["metering"] });
  await world.updateToken("mute", (claims) => ({ ...claims, not_after: at(8 * HOUR_MS) }));
  await world.rotateTokens(["gateway"], { overlapMs: 2 * HOUR_MS });
  await world.revokeTokens(["revoked"]);
  await world.createToken({ name: "twice", capabilities: ["metering"] });
  await world.rotateTokens(["twice"], { overlapMs: 24 * HOUR_MS });
  await world.rotateTokens(["twice"]);
  const { roll } = (await world.writable()).tokens;
  const ids = roll.tokens.map(({ claims }) => claims.id);
  const name = { day: "2026-01-01", ulid: ulid(START_MS, seededRandom("batch")) };
  const keys = ids.map((token) => batchKey({ ...name, token }));
  const factsFrom = async (tokens: typeof roll, passphrase = OLD) => {
    const request = { holder: holderOf(passphrase), expect: { env: ENV } };
    const rules = await vaultRules(world, request, { manifest: await world.manifest(passphrase), roll: tokens }, keys);
    return ids.map((id) => rules.tokenFacts(id)).map((it) => ({ ...it, backend: undefined, meters: undefined }));
  };
  const facts = await factsFrom(roll);
  expect(facts.map(({ metering, isGateway }) => [metering, isGateway])).toEqual([
    [true, false],
    [true, true],
    [false, false],
    [true, false],
    [true, true],
    ...["twice", "its copy", "the newest"].map(() => [true, false]),
  ]);
  expect(await factsFrom(EMPTY_ROLL)).toEqual(facts);

  await world.rotate(OLD, NEW, { leaked: { tokens: "revoke" } });
  const { tokens: revoked } = await world.writable(NEW);
  expect(await factsFrom(EMPTY_ROLL, NEW)).toEqual(await factsFrom(revoked.roll, NEW));
});
