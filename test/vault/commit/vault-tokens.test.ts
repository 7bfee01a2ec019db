import { expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { baseOn } from "../../../src/vault/commit/draft.ts";
import { ACTOR, rejection, takeAll, World } from "../../support/world.ts";

// The vectors `scoped/inconsistent-…` have the other contradictions.

test("a private half stored under another key's id is refused, because its owner could sign requests", async () => {
  const world = await World.pushed();
  const { kid } = (await world.rotateGatewayKeys()).plan.made?.key ?? expect.unreachable();
  const { vault, signingKey, tokens } = await world.writable();
  const { gateway_keys = [] } = tokens.roll;
  const foreign = gateway_keys.map((key) => ({ ...key, public: encodeBase64(generateSigningKey().publicKey) }));
  const planted = { ...tokens, roll: { ...tokens.roll, gateway_keys: foreign } };
  const { unlock } = vault.manifest;
  const { items } = vault.bundle;
  const draft = { action: "push", actor: ACTOR, meta: {}, items, unlock, signingKey, rotates: false, tokens: planted };
  await takeAll(commitGeneration(world, baseOn({ ...vault, signingKey }), () => draft));
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({
    name: "BundleCorruptError",
    message: expect.stringContaining(kid),
  });
});
