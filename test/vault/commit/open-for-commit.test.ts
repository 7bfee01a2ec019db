import { expect, test } from "vitest";
import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { forgetBundle } from "../../../src/vault/commit/open-for-commit.ts";
import { passphraseEntry } from "../../../src/vault/unlock/passphrase-entry.ts";
import { ownEntry } from "../../support/passphrases.ts";
import { OLD, rejection, World } from "../../support/world.ts";

test("nothing is committed on a signer whose key the bundle does not hold", async () => {
  const world = await World.pushed({ A: "1" });
  const own = generateSigningKey();
  const manifest = await world.manifest();
  const { key } = await ownEntry(manifest, OLD);
  const signer = encodeBase64(own.publicKey);
  const entry = passphraseEntry("p1", { key, cost: world.identity.cost }, { ...manifest, signer });
  const before = world.forge({ ...manifest, signer, unlock: [entry] }, own).objects();
  expect(await world.secrets()).toEqual({ A: "1" });
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle's signing key is not the manifest's signer",
    hint: "find out who wrote this generation, and restore the one before from the bucket's object versions or a backup",
  });
  expect(world.objects()).toEqual(before);
});

test("forgetting a bundle zeroes its items and gives its memory back, unless it shares that memory", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const data = Secret.ofText("value");
  forgetBundle({ items: [{ id: "a", name: "A", kind: "secret", data }], bytes });
  expect([bytes.length, [...data.expose()]]).toEqual([0, [0, 0, 0, 0, 0]]);
  forgetBundle({ items: [{ id: "a", name: "A", kind: "secret", data: Secret.ofBytes(bytes) }], bytes });
  const whole = Uint8Array.of(1, 2, 3, 4);
  for (const part of [whole.subarray(0, 3), whole.subarray(1)]) forgetBundle({ items: [], bytes: part });
  expect(whole).toEqual(Uint8Array.of(1, 2, 3, 4));
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  forgetBundle({ items: [], bytes: shared });
  expect(shared.length).toBe(4);
});
