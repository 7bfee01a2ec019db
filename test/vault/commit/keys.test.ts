import { describe, expect, test } from "vitest";
import type { Secret } from "../../../src/crypto/secret.ts";
import type { Random } from "../../../src/ports.ts";
import { OLD, rootKeyOf, World } from "../../support/world.ts";

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

async function historyBundles(world: World): Promise<[string, { bytes: Uint8Array }][]> {
  await world.push({ A: "same", B: "same", C: "!" });
  await world.rotate(OLD, "second", { graceMs: 1 });
  await world.rotate("second", "third");
  return [...world.store.bucket].filter(([key]) => key.startsWith("v="));
}

describe("keys are zeroed", () => {
  const isZero = (it: Secret): boolean => it.expose().every((byte) => byte === 0);
  test("by openVault, which leaves the items alone", async () => {
    const { bundle } = await (await World.pushed({ A: "1" })).openAfresh();
    const { operatorKey } = bundle.keys;
    expect([isZero(rootKeyOf(bundle.keys)), operatorKey !== null && isZero(operatorKey)]).toEqual([true, true]);
    expect(bundle.items.map(({ data }) => data.exposeText())).toEqual(["1"]);
  });

  test("by openForCommit, once it has the signing key", async () => {
    const { vault, signingKey } = await (await World.pushed()).writable();
    const { operatorKey } = vault.bundle.keys;
    expect([isZero(rootKeyOf(vault.bundle.keys)), operatorKey !== null && isZero(operatorKey)]).toEqual([true, true]);
    expect(signingKey.publicKey).toHaveLength(32);
  });

  test("by a commit, including its fresh operator key, a credential and a usage key", async () => {
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
    await world.with({ random }).createToken({ capabilities: ["metering"] });
    await world.with({ random }).rotate(OLD, "second");
    expect(drawn.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true, true, true, true]);
  });
});
