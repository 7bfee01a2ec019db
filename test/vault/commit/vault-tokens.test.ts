import { expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { baseOn } from "../../../src/vault/commit/draft.ts";
import type { VaultTokens } from "../../../src/vault/commit/vault-tokens.ts";
import { ACTOR, rejection, takeAll, World } from "../../support/world.ts";

// The vectors `scoped/inconsistent-…` have the other contradictions.

test.each<[string, (tokens: VaultTokens) => Partial<VaultTokens>]>([
  [
    "for another public half",
    ({ roll }) => {
      const own = encodeBase64(generateSigningKey().publicKey);
      return { roll: { ...roll, gateway_keys: (roll.gateway_keys ?? []).map((key) => ({ ...key, public: own })) } };
    },
  ],
  [
    "under another key's id",
    ({ gatewaySigners }) => {
      const [kids, signers] = [[...gatewaySigners.keys()], [...gatewaySigners.values()].toReversed()];
      return { gatewaySigners: new Map(kids.map((kid, at) => [kid, signers[at] ?? expect.unreachable()])) };
    },
  ],
])("a gateway's private half %s is refused, because its owner could sign requests", async (_name, plant) => {
  const world = await World.pushed();
  const { kid } = (await world.rotateGatewayKeys()).plan.made?.key ?? expect.unreachable();
  await world.rotateGatewayKeys();
  const { vault, signingKey, tokens: sound } = await world.writable();
  const tokens = { ...sound, ...plant(sound) };
  const { unlock } = vault.manifest;
  const { items } = vault.bundle;
  const draft = { action: "push", actor: ACTOR, meta: {}, items, unlock, signingKey, rotates: false, tokens };
  await takeAll(commitGeneration(world, baseOn({ ...vault, signingKey }), () => draft));
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({
    name: "BundleCorruptError",
    message: expect.stringContaining(kid),
    hint: expect.stringContaining("find out who wrote this generation"),
  });
});
