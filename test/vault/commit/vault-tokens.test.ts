import { expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { baseOn } from "../../../src/vault/commit/draft.ts";
import type { VaultTokens } from "../../../src/vault/commit/vault-tokens.ts";
import { ACTOR, NEW, OLD, rejection, takeAll, World } from "../../support/world.ts";

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

test("an anchor without a cert is refused, and a new anchor replaces it", async () => {
  const world = await World.pushed();
  await world.createToken();
  await world.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
  const { vault, signingKey } = await world.writable(NEW);
  const [kept = expect.unreachable()] = vault.manifest.certs ?? [];
  world.forge({ ...vault.manifest, certs: [kept] }, signingKey);
  expect(await rejection(world.push({ A: "2" }, { by: NEW }))).toMatchObject({
    name: "BundleCorruptError",
    message: "the vault's anchors do not match the manifest's certs",
    hint: expect.stringContaining("vsync rotate-passphrase --leaked"),
  });
  await world.rotate(NEW, "a third", { leaked: { tokens: "keep" } });
  const anchors = (await world.manifest("a third")).certs?.map(({ anchor }) => anchor);
  expect([anchors?.length, anchors?.includes(kept.anchor)]).toEqual([2, true]);
});

test("live tokens without any anchor are refused", async () => {
  const world = await World.pushed();
  await world.createToken();
  const { vault, signingKey } = await world.writable();
  const { certs: _certs, ...manifest } = vault.manifest;
  const { anchors: _anchors, ...boxes } = vault.bundle.header.boxes ?? {};
  const { key } = manifest.bundle;
  const bytes = world.bytes(key);
  const line = JSON.stringify({ ...vault.bundle.header, boxes });
  const forged = Buffer.concat([Buffer.from(line), bytes.subarray(bytes.indexOf(0x0a))]);
  world.tamper(key, forged);
  world.forge({ ...manifest, bundle: { key, size: forged.length, sha256: sha256Hex(forged) } }, signingKey);
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({
    message: "the vault's anchors do not match the manifest's certs",
  });
});
