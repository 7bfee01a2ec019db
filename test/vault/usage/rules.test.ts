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
  const keys = ["usage/notes.txt", ...ids.map((token) => batchKey({ ...name, token }))];
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
  world.store.requests.length = 0;
  await factsFrom(roll);
  expect(world.requests.filter((request) => request.startsWith("get audit/"))).toEqual([]);
  expect(await factsFrom(EMPTY_ROLL)).toEqual(facts);

  // What operators add to rows of their own says nothing of tokens.
  const [first = ""] = ids;
  const added = [
    { token: first, capabilities: [] },
    { tokens: [first] },
    { tokens: [{ token: "another", replaces: first }] },
    { leaked: true, tokens: "revoke" },
  ];
  for (const meta of added) await world.push({ A: JSON.stringify(meta) }, { meta });
  await world.rotate(OLD, NEW, { meta: { tokens: "revoke" } });
  await world.rotate(NEW, "after the leak", { leaked: { tokens: "keep" } });
  const { tokens: kept } = await world.writable("after the leak");
  expect(await factsFrom(EMPTY_ROLL, "after the leak")).toEqual(await factsFrom(kept.roll, "after the leak"));

  await world.rotate("after the leak", OLD, { leaked: { tokens: "revoke" } });
  const { tokens: revoked } = await world.writable();
  expect(await factsFrom(EMPTY_ROLL)).toEqual(await factsFrom(revoked.roll));
});
