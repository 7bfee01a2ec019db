import * as nodeCrypto from "node:crypto";
import { hash, argon2id as type } from "argon2";
import { AEAD_AES_128_GCM, AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { describe, expect, test } from "vitest";
import { argon2id } from "../../src/crypto/argon2id.ts";
import { openBox } from "../../src/crypto/box.ts";
import { hpkeOpen } from "../../src/crypto/hpke.ts";
import { hpkeSeal } from "../../src/crypto/hpke-seal.ts";
import { importSigningKey, signEd25519, verifyEd25519 } from "../../src/crypto/signing.ts";
import { openSlot } from "../../src/crypto/slot.ts";
import { endorsementOf, hkdf } from "../../src/crypto/subkeys.ts";
import { x25519PublicKey } from "../../src/crypto/x25519.ts";
import { sealWith } from "../vectors/seal-with.ts";

/*
 * The published vectors of every primitive, by RFC and section, run through the functions that vsync calls. A vector with an
 * input that vsync never uses (Argon2id's secret, another AEAD) goes to the library below that function.
 */

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const hex = (given: Uint8Array): string => Buffer.from(given).toString("hex");
const filled = (length: number, byte: number): Buffer => Buffer.alloc(length, byte);

describe("Argon2id, RFC 9106", () => {
  const EXPECTED = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";

  test("§5.3, the addon", async () => {
    const tag = await hash(filled(32, 1), {
      raw: true,
      type,
      version: 0x13,
      salt: filled(16, 2),
      secret: filled(8, 3),
      associatedData: filled(12, 4),
      memoryCost: 32,
      timeCost: 3,
      parallelism: 4,
      hashLength: 32,
    });
    expect(hex(tag)).toBe(EXPECTED);
  });

  const { argon2 } = nodeCrypto as Partial<typeof nodeCrypto>;
  test.skipIf(argon2 === undefined)("§5.3, the runtime's own (Node.js from 24.7 on)", async () => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const parameters = {
      message: filled(32, 1),
      nonce: filled(16, 2),
      secret: filled(8, 3),
      associatedData: filled(12, 4),
      memory: 32,
      passes: 3,
      parallelism: 4,
      tagLength: 32,
    };
    argon2?.("argon2id", parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
    expect(hex(await promise)).toBe(EXPECTED);
  });

  // §4: the reference implementation, whose test.c has these for version 0x13, without secret and associated data.
  test.each([
    [
      { iterations: 2, memoryKiB: 65536, parallelism: 1 },
      "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
    ],
    [
      { iterations: 1, memoryKiB: 65536, parallelism: 1 },
      "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98",
    ],
    [
      { iterations: 4, memoryKiB: 65536, parallelism: 1 },
      "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c",
    ],
    [
      { iterations: 2, memoryKiB: 256, parallelism: 1 },
      "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
    ],
    [
      { iterations: 2, memoryKiB: 256, parallelism: 2 },
      "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
    ],
  ])("as used, the reference implementation's: %o", async (cost, expected) => {
    const salt = Buffer.from("somesalt");
    expect(hex(await argon2id(Buffer.from("password"), { ...cost, salt }, 32))).toBe(expected);
  });
});

describe("HKDF-SHA256, RFC 5869", () => {
  const okm = (salt: string, ikm: string, info: string, length: number): string =>
    hex(new Uint8Array(nodeCrypto.hkdfSync("sha256", bytes(ikm), bytes(salt), bytes(info), length)));
  const sequence = (from: number, to: number): string =>
    hex(Uint8Array.from({ length: to - from }, (_, at) => from + at));

  test("A.1 and A.2: the library", () => {
    expect(okm(sequence(0x00, 0x0d), "0b".repeat(22), sequence(0xf0, 0xfa), 42)).toBe(
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    expect(okm(sequence(0x60, 0xb0), sequence(0x00, 0x50), sequence(0xb0, 0x100), 82)).toBe(
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
  });

  test("A.3, without salt and info: as used, and the first 32 of its 42 bytes (§2.3: T(1) does not depend on L)", () => {
    const expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    expect(hex(hkdf(bytes("0b".repeat(22)), ""))).toBe(expected.slice(0, 64));
    expect(okm("", "0b".repeat(22), "", 42)).toBe(expected);
  });
});

describe("Ed25519, RFC 8032 §7.1", () => {
  const cases = [
    [
      "TEST 1",
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "TEST 2",
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "TEST 3",
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
      "TEST SHA(abc)",
      "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
  ] as const;

  test.each(cases)("%s", (_name, secret, publicKey, message, signature) => {
    // RFC 8410 §7: the PKCS#8 form that a bundle seals.
    const key = importSigningKey(bytes(`302e020100300506032b657004220420${secret}`));
    expect(hex(key.publicKey)).toBe(publicKey);
    expect(hex(signEd25519(key, bytes(message)))).toBe(signature);
    expect(verifyEd25519(bytes(publicKey), bytes(message), bytes(signature))).toBe(true);
    expect(verifyEd25519(bytes(publicKey), bytes(`${message}00`), bytes(signature))).toBe(false);
  });
});

test.each([
  [
    "Alice",
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  ],
  [
    "Bob",
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  ],
])("X25519 public keys, RFC 7748 §6.1: %s", (_name, seed, publicKey) => {
  expect(hex(x25519PublicKey(bytes(seed)))).toBe(publicKey);
});

describe("HPKE base mode with X25519, RFC 9180", () => {
  const INFO = Buffer.from("Ode on a Grecian Urn");
  const PLAINTEXT = Buffer.from("Beauty is truth, truth beauty");
  const AAD = "Count-0";

  test("A.1.1: the library's KEM and key schedule", async () => {
    const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_128_GCM);
    const seed = bytes("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    const recipient = x25519PublicKey(seed);
    expect(hex(recipient)).toBe("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
    const keys = {
      privateKey: await suite.DeserializePrivateKey(seed),
      publicKey: await suite.DeserializePublicKey(recipient),
    };
    const enc = bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    const ct = bytes("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a");
    expect(Buffer.from(await suite.Open(keys, enc, ct, { info: INFO, aad: Buffer.from(AAD) }))).toEqual(PLAINTEXT);
  });

  // The RFC prints no vector of this suite (0x0020, 0x0001, 0x0002); its authors' test-vectors.json, which Appendix A
  // refers to, has one, and so have BoringSSL and Tink. It gives the sender's key and not the recipient's.
  test("this suite's vector in the authors' test-vectors.json, with a sealing in place of the library's", () => {
    const ephemeral = bytes("28e212563a8b6f068af7ff17400ff1baf23612b7a738bbaf5dfb321b2b5b431a");
    const recipient = bytes("ac66bae9ffa270cf4a89ed9f274e30c0456babae2572aaaf002ff0d8884ab018");
    const { ct } = sealWith(ephemeral, recipient, PLAINTEXT, INFO.toString(), AAD);
    expect(hex(ct)).toBe("23ded2d5d90ea89d975dac4792b297240f194952d7421aacbff0474100052b6bb8aa58d18ef6c42b6960e2e28f");
  });

  test("the library opens what we seal, and we open what it seals", async () => {
    const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
    const seed = bytes("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    const [recipient, aad] = [x25519PublicKey(seed), Buffer.from(AAD)];
    const publicKey = await suite.DeserializePublicKey(recipient);
    const ours = await hpkeSeal(recipient, INFO, aad, PLAINTEXT);
    const keys = { privateKey: await suite.DeserializePrivateKey(seed), publicKey };
    expect(Buffer.from(await suite.Open(keys, ours.enc, ours.ct, { info: INFO, aad }))).toEqual(PLAINTEXT);
    const { encapsulatedSecret: enc, ciphertext: ct } = await suite.Seal(publicKey, PLAINTEXT, { info: INFO, aad });
    expect(Buffer.from(await hpkeOpen(seed, { enc, ct }, INFO, aad))).toEqual(PLAINTEXT);
  });

  // RFC 9180 §7.1.4 and the lengths of §7.1.
  test.each([32, 31, 33])("%d zeros are not an encapsulated key", async (length) => {
    const [seed, ct] = [filled(32, 8), filled(48, 0)];
    await expect(hpkeOpen(seed, { enc: filled(length, 0), ct }, INFO, Buffer.from(AAD))).rejects.toThrow();
  });

  test("slots open what that sealing seals: as used", async () => {
    const seed = bytes("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    const ephemeral = bytes("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
    const key = filled(32, 7);
    const sealed = sealWith(ephemeral, x25519PublicKey(seed), key, "vsync-slot-v1", "v|1|p1");
    expect(hex(sealed.enc)).toBe("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    expect(hex(await openSlot(seed, "v|1|p1", sealed, "slot p1"))).toBe(hex(key));
  });
});

test("HMAC-SHA256 of the endorsement, RFC 2104 over RFC 6234's SHA-256: by its definition", () => {
  const mac = filled(32, 9);
  const pad = (byte: number): Uint8Array => new Uint8Array([...mac, ...filled(32, 0)]).map((own) => own ^ byte);
  const sha = (...parts: Uint8Array[]): Buffer => nodeCrypto.createHash("sha256").update(Buffer.concat(parts)).digest();
  const text = Buffer.from("vsync-endorse-v1|v|p1|AAAA|");
  expect(hex(endorsementOf(mac, { vault: "v", slot: "p1", signer: "AAAA" }))).toBe(
    hex(sha(pad(0x5c), sha(pad(0x36), text))),
  );
});

test("AES-256-GCM: test case 16 of the mode's own specification (McGrew and Viega, Appendix B)", () => {
  const key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const ciphertext =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
  const box = bytes(`cafebabefacedbaddecaf888${ciphertext}76fc6ece0f4e1768cddf8853bb2d551b`);
  // As text, the associated data cannot be the specification's bytes: the library takes them in `openBox`'s place.
  const decipher = nodeCrypto.createDecipheriv("aes-256-gcm", key, box.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"));
  decipher.setAuthTag(box.subarray(-16));
  const plaintext = Buffer.concat([decipher.update(box.subarray(12, -16)), decipher.final()]);
  expect(hex(plaintext)).toBe(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  // Test case 13: no plaintext and no associated data.
  expect(openBox(filled(32, 0), "", bytes(`${"00".repeat(12)}530f8afbc74536b9a963b4f1c4cb738b`), "it")).toHaveLength(0);
});
