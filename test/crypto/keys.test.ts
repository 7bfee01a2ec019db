import { describe, expect, test } from "vitest";
import { openBox, sealBox } from "../../src/crypto/box.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey, importSigningKey, signEd25519, verifyEd25519 } from "../../src/crypto/signing.ts";
import { openSlot, SlotNotOursError, sealSlot } from "../../src/crypto/slot.ts";
import {
  deriveIndexKey,
  deriveItemKey,
  deriveRootKey,
  deriveSigningBoxKey,
  endorsementOf,
} from "../../src/crypto/subkeys.ts";
import { BundleCorruptError } from "../../src/errors.ts";
import type { Random } from "../../src/ports.ts";
import { COST, OLD, rejection, seededRandom, World } from "../support/world.ts";

const KEY = new Uint8Array(32).fill(7);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("boxes", () => {
  test("every box draws a fresh nonce", () => {
    const drawn: string[] = [];
    const random: Random = {
      bytes(length) {
        const bytes = seededRandom(String(drawn.length)).bytes(length);
        drawn.push(hex(bytes));
        return bytes;
      },
    };
    const boxes = Array.from({ length: 100 }, () => sealBox(random, KEY, "aad", Buffer.from("same")));
    expect(boxes.map((box) => hex(box.subarray(0, 12)))).toEqual(drawn);
    expect(new Set(boxes.map((box) => hex(box.subarray(12)))).size).toBe(100);
  });

  test("in a vault's life, no nonce repeats and no key seals two boxes", async () => {
    const world = await World.pushed({ A: "same", B: "same", C: "" });
    const nonces: string[] = [];
    const ciphertexts: string[] = [];
    for (const [key, { bytes }] of await historyBundles(world)) {
      const end = bytes.indexOf(0x0a);
      const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as {
        signing: string;
        index: string;
        slots: { enc: string; ct: string }[];
        items: { size: number }[];
      };
      const boxes = [Buffer.from(header.signing, "base64"), Buffer.from(header.index, "base64")];
      let at = end + 1;
      for (const { size } of header.items) boxes.push(Buffer.from(bytes.subarray(at, (at += size))));
      expect(boxes).toHaveLength(5);
      nonces.push(...boxes.map((box) => box.subarray(0, 12).toString("hex")));
      ciphertexts.push(...boxes.map((box) => box.subarray(12).toString("hex")));
      ciphertexts.push(...header.slots.flatMap(({ enc, ct }) => [enc, ct]));
      expect(key).toMatch(/^v=/);
    }
    expect(nonces).toHaveLength(20);
    expect(new Set(nonces).size).toBe(nonces.length);
    expect(new Set(ciphertexts).size).toBe(ciphertexts.length);
  });

  test("another key, aad, nonce, text or tag: corrupt, and no plaintext", () => {
    const box = sealBox(seededRandom("box"), KEY, "aad", Buffer.from("plaintext"));
    expect(Buffer.from(openBox(KEY, "aad", box, "it")).toString()).toBe("plaintext");
    expect(() => openBox(new Uint8Array(32), "aad", box, "it")).toThrow(BundleCorruptError);
    expect(() => openBox(KEY, "aad ", box, "it")).toThrow(BundleCorruptError);
    for (let at = 0; at < box.length; at++) {
      const altered = Uint8Array.from(box, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(() => openBox(KEY, "aad", altered, "it")).toThrow("it does not decrypt");
    }
    for (let length = 0; length < box.length; length++) {
      expect(() => openBox(KEY, "aad", box.subarray(0, length), "it")).toThrow(BundleCorruptError);
    }
  });

  async function historyBundles(world: World): Promise<[string, { bytes: Uint8Array }][]> {
    await world.push({ A: "same", B: "same", C: "!" });
    await world.rotate(OLD, "second", { graceMs: 1 });
    await world.rotate("second", OLD);
    return [...world.store.bucket].filter(([key]) => key.startsWith("v="));
  }
});

describe("subkeys", () => {
  test("all differ, from each other and from their parent", () => {
    const root = deriveRootKey(KEY);
    const all = [
      KEY,
      root,
      deriveSigningBoxKey(KEY),
      deriveIndexKey(root),
      deriveItemKey(root, "0000000000000000"),
      deriveItemKey(root, "0000000000000001"),
      deriveIndexKey(KEY),
      deriveSigningBoxKey(root),
    ];
    expect(new Set(all.map(hex)).size).toBe(all.length);
    for (const key of all) expect(key).toHaveLength(32);
  });

  test("an endorsement depends on passphrase, vault, slot and signer", () => {
    const of = (mac: Uint8Array, vault: string, slot: string, signer: string) =>
      hex(endorsementOf(mac, { vault, slot, signer }));
    const all = [of(KEY, "v", "p1", "s"), of(KEY, "w", "p1", "s"), of(KEY, "v", "p2", "s"), of(KEY, "v", "p1", "t")];
    expect(new Set([...all, of(new Uint8Array(32), "v", "p1", "s")]).size).toBe(5);
  });
});

describe("slots", () => {
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
});

describe("the signing key", () => {
  test("survives its PKCS#8 form and signs the same bytes alike", () => {
    const key = generateSigningKey();
    const again = importSigningKey(key.exportPkcs8());
    const message = Buffer.from("message");
    expect(again.publicKey).toEqual(key.publicKey);
    expect(hex(signEd25519(again, message))).toBe(hex(signEd25519(key, message)));
    expect(verifyEd25519(key.publicKey, message, signEd25519(key, message))).toBe(true);
    expect(verifyEd25519(generateSigningKey().publicKey, message, signEd25519(key, message))).toBe(false);
  });

  test("is refused in any other PKCS#8 form", () => {
    const pkcs8 = generateSigningKey().exportPkcs8();
    const altered = [pkcs8.subarray(1), Buffer.concat([pkcs8, Buffer.of(0)]), new Uint8Array(48), new Uint8Array()];
    for (const it of altered) expect(() => importSigningKey(it)).toThrow(BundleCorruptError);
  });
});

describe("keys are zeroed", () => {
  const isZero = (it: Secret): boolean => it.expose().every((byte) => byte === 0);
  test("by openVault, which leaves the items alone", async () => {
    const { bundle } = await (await World.pushed({ A: "1" })).openAfresh();
    const { rootKey, operatorKey } = bundle.keys;
    expect([isZero(rootKey), operatorKey !== null && isZero(operatorKey)]).toEqual([true, true]);
    expect(bundle.items.map(({ data }) => data.exposeText())).toEqual(["1"]);
  });

  test("by openForCommit, once it has the signing key", async () => {
    const { vault, signingKey } = await (await World.pushed()).writable();
    const { rootKey, operatorKey } = vault.bundle.keys;
    expect([isZero(rootKey), operatorKey !== null && isZero(operatorKey)]).toEqual([true, true]);
    expect(signingKey.publicKey).toHaveLength(32);
  });

  test("by a commit, including its fresh operator key", async () => {
    const world = await World.pushed();
    const drawn: Uint8Array[] = [];
    const random: Random = {
      bytes(length) {
        const bytes = world.random.bytes(length);
        if (length === 32) drawn.push(bytes);
        return bytes;
      },
    };
    await world.with({ random }).push({ A: "2" });
    await world.with({ random }).rotate(OLD, "second");
    expect(drawn.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true]);
  });
});
