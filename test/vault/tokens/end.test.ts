import { beforeEach, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { sealBox } from "../../../src/crypto/box.ts";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { deriveBoxKey, withKey } from "../../../src/crypto/subkeys.ts";
import { aadOf } from "../../../src/vault/format/bundle-header.ts";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { encodeRoll } from "../../../src/vault/format/tokens/roll.ts";
import { HOUR_MS, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

const endOf = (ms: number): string => new Date(world.clock.ms + ms).toISOString();
const created = async (claims: Parameters<World["createToken"]>[0] = {}) =>
  (await world.createToken(claims)).plan.token;

/** Takes a token's record out of the roll and leaves its slot, as somebody who knows the passphrase can. */
async function withoutRecord(id: string): Promise<void> {
  const { manifest, bundle } = await world.open();
  const { signingKey, tokens } = await world.writable();
  const roll = { ...tokens.roll, tokens: tokens.roll.tokens.filter(({ claims }) => claims.id !== id) };
  const { operatorKey } = bundle.keys;
  const box = withKey(deriveBoxKey((operatorKey ?? expect.unreachable()).expose(), "roll"), (key) =>
    sealBox(world.random, key, aadOf(bundle.header, "roll"), encodeRoll(roll)),
  );
  const header = { ...bundle.header, boxes: { ...bundle.header.boxes, roll: encodeBase64(box) } };
  const { key } = manifest.bundle;
  const bytes = world.bytes(key);
  const forged = Buffer.concat([Buffer.from(JSON.stringify(header)), bytes.subarray(bytes.indexOf(0x0a))]);
  world.tamper(key, forged).tamper(auditKey(manifest.gen), null);
  world.forge({ ...manifest, bundle: { key, size: forged.length, sha256: sha256Hex(forged) } }, signingKey);
}

describe("revoking", () => {
  test("ends each token once, whatever it is called, and is in plan and row", async () => {
    const [api, ci] = [await created({ name: "api" }), await created({ name: "ci" })];
    const { plan, committed } = await world.revokeTokens(["ci", api.id, "api", api.lastFour]);
    expect(plan).toMatchObject({ planted: [], gatewayKeys: [], gen: 3 });
    expect(plan.revoked.map(({ id, status }) => [id, status])).toEqual([
      [api.id, "active"],
      [ci.id, "active"],
    ]);
    expect(committed?.manifest.meta).toEqual({ event: "token-revoke", tokens: [api.id, ci.id] });
    const at = "2026-01-01T00:00:00.000Z";
    expect((await world.tokens()).map(({ status, endedAt }) => [status, endedAt])).toEqual([
      ["revoked", at],
      ["revoked", at],
    ]);
  });

  test("what has been revoked changes nothing, and leaves its time", async () => {
    const { id } = await created();
    await world.revokeTokens([id]);
    world.clock.ms += HOUR_MS;
    const { plan, committed } = await world.revokeTokens([id]);
    expect([plan, committed]).toEqual([{ revoked: [], planted: [], gatewayKeys: [], gen: 3 }, null]);
    const { id: other } = await created();
    await world.revokeTokens([id, other]);
    expect((await world.tokens())[0]?.endedAt).toBe("2026-01-01T00:00:00.000Z");
  });

  test("what has expired keeps it from getting another end", async () => {
    const { id } = await created({ not_after: endOf(HOUR_MS) });
    world.clock.ms += HOUR_MS;
    await world.revokeTokens([id]);
    expect((await world.tokens()).map(({ status }) => status)).toEqual(["revoked"]);
  });

  test("an id that neither the roll nor the bundle has is an error, also beside one that they have", async () => {
    const { id } = await created();
    const unknown = `tok_${"0".repeat(32)}`;
    for (const tokens of [[unknown], [id, unknown]])
      expect(await rejection(world.revokeTokens(tokens))).toMatchObject({ message: `no token "${unknown}"` });
    expect((await world.tokens()).map(({ status }) => status)).toEqual(["active"]);
  });

  test("a slot whose record is missing ends with its id, also beside a token", async () => {
    const [api, planted] = [await created({ name: "api" }), await created({ name: "planted" })];
    await withoutRecord(planted.id);
    expect(await rejection(world.push({ A: "2" }))).toMatchObject({
      name: "BundleCorruptError",
      hint: expect.stringContaining(`vsync tokens revoke ${planted.id}`),
    });
    const { plan, committed } = await world.revokeTokens([planted.id, "api"]);
    expect([plan.revoked.map(({ id }) => id), plan.planted]).toEqual([[api.id], [planted.id]]);
    expect(committed?.manifest.meta).toEqual({ event: "token-revoke", tokens: [api.id, planted.id] });
    expect((await world.push({ A: "2" })).committed).not.toBeNull();
  });

  test("a start of an id means that token alone, not its line", async () => {
    const { id: old } = await created({ name: "api" });
    await world.rotateTokens(["api"], { overlapMs: HOUR_MS });
    const { plan } = await world.revokeTokens([old.slice(0, 20)]);
    expect(plan.revoked.map(({ id }) => id)).toEqual([old]);
    expect((await world.tokens()).map(({ status }) => status)).toEqual(["revoked", "active"]);
  });
});

describe("pruning", () => {
  test("drops the slots of what has expired, and leaves the others", async () => {
    const [expired, , revoked] = [await created({ not_after: endOf(HOUR_MS) }), await created(), await created()];
    expect(await world.pruneTokens()).toMatchObject({ plan: { expired: [], gen: 4 }, committed: null });
    await world.revokeTokens([revoked.id]);
    world.clock.ms += HOUR_MS;
    const { plan, committed } = await world.pruneTokens();
    expect(plan.expired.map(({ id }) => id)).toEqual([expired.id]);
    expect(committed?.manifest.meta).toEqual({ event: "token-prune", tokens: [expired.id] });
    expect((await world.tokens()).map(({ isSealed }) => isSealed)).toEqual([false, true, false]);
    expect((await world.pruneTokens()).committed).toBeNull();
  });
});
