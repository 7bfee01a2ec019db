import { expect, test } from "vitest";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openSlot, openTokenSlot, SlotNotOursError, sealSlot, sealTokenSlot } from "../../src/crypto/slot.ts";
import { COST, OLD, rejection } from "../support/world.ts";

const KEY = new Uint8Array(32).fill(7);
const [AAD, WHAT] = ["v|1|p1", "slot p1 of generation 1"];

test("open only for their recipient and in their own place", async () => {
  const { seed, recipient } = await derivePassphraseKey(Secret.ofText(OLD), { ...COST, salt: new Uint8Array(16) });
  const sealed = await sealSlot(recipient, AAD, KEY);
  expect(await openSlot(seed.expose(), AAD, sealed, WHAT)).toEqual(KEY);
  for (const other of ["w|1|p1", "v|2|p1", "v|1|p2"]) {
    const opening = openSlot(seed.expose(), other, sealed, WHAT);
    expect(await rejection(opening)).toBeInstanceOf(SlotNotOursError);
  }
  expect(await rejection(openSlot(KEY, AAD, sealed, WHAT))).toBeInstanceOf(SlotNotOursError);
  for (const enc of [new Uint8Array(), new Uint8Array(31), new Uint8Array(32), sealed.enc.toReversed()]) {
    expect(await rejection(openSlot(seed.expose(), AAD, { ...sealed, enc }, WHAT))).toBeInstanceOf(SlotNotOursError);
  }
});

test("of tokens hold any number of bytes, and neither kind opens as the other", async () => {
  const { seed, recipient } = await derivePassphraseKey(Secret.ofText(OLD), { ...COST, salt: new Uint8Array(16) });
  for (const length of [0, 32, 1000]) {
    const sealed = await sealTokenSlot(recipient, AAD, new Uint8Array(length));
    expect(await openTokenSlot(seed.expose(), AAD, sealed, WHAT)).toEqual(new Uint8Array(length));
    expect(await rejection(openSlot(seed.expose(), AAD, sealed, WHAT))).toBeInstanceOf(SlotNotOursError);
  }
  const sealed = await sealSlot(recipient, AAD, KEY);
  expect(await rejection(openTokenSlot(seed.expose(), AAD, sealed, WHAT))).toBeInstanceOf(SlotNotOursError);
});

test("are corrupt if they hold anything but a key", async () => {
  const { seed, recipient } = await derivePassphraseKey(Secret.ofText(OLD), { ...COST, salt: new Uint8Array(16) });
  for (const length of [0, 31, 33]) {
    const sealed = await sealSlot(recipient, AAD, new Uint8Array(length));
    expect(await rejection(openSlot(seed.expose(), AAD, sealed, WHAT))).toMatchObject({
      name: "BundleCorruptError",
      message: `slot p1 of generation 1 holds ${length} bytes, not a key`,
    });
  }
});
