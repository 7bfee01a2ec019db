import { expect, test } from "vitest";
import { decodeCheckedBase64 as decode } from "../../../src/crypto/base64.ts";
import { openTokenSlot } from "../../../src/crypto/slot.ts";
import { deriveCredentialKeys, parseCredential } from "../../../src/tokens/credential.ts";
import { aadOf } from "../../../src/vault/format/bundle-header.ts";
import { parseTokenPayload, tokenSlotOf } from "../../../src/vault/format/tokens/slot.ts";
import { World } from "../../support/world.ts";

test("header and slot of a token that reads everything have only what the vault uses", async () => {
  const world = await World.pushed();
  const { plan } = await world.createToken();
  const { header } = (await world.writable()).vault.bundle;
  expect(header.views).toBeUndefined();
  expect(Object.keys(header.boxes ?? {})).toEqual(["roll", "anchors", "verify"]);
  using credential = parseCredential(plan.credential?.exposeText() ?? "");
  using keys = await deriveCredentialKeys(credential);
  const slot = tokenSlotOf(header, keys.id);
  if (slot?.seals !== "T") expect.unreachable();
  const sealed = { enc: decode(slot.enc), ct: decode(slot.ct) };
  const plaintext = await openTokenSlot(keys.privateKey.expose(), aadOf(header, keys.id), sealed, "slot");
  expect(Object.keys(parseTokenPayload(plaintext, "slot"))).toEqual(["claims", "root", "verify_key"]);
});
