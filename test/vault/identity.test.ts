import { beforeAll, describe, expect, test } from "vitest";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { NotAuthenticError, WrongPassphraseError } from "../../src/errors.ts";
import { createIdentity, hintOf, joinVault } from "../../src/vault/join.ts";
import { ENV, HOUR_MS, NEW, OLD, rejection, seededRandom, World } from "../support/world.ts";

describe("a vault that has no generation yet", () => {
  test("has an id of 16 bytes, a fresh salt, RFC 9106's second option, and what the passphrase derives with it", async () => {
    const identity = await createIdentity(seededRandom("identity"), Secret.ofText(OLD));
    expect(Buffer.from(identity.vault, "base64url")).toHaveLength(16);
    expect(identity.cost).toMatchObject({ iterations: 3, memoryKiB: 65536, parallelism: 4 });
    expect(identity.cost.salt).toHaveLength(16);
    const { recipient } = await derivePassphraseKey(Secret.ofText(OLD), identity.cost);
    expect(identity.recipient).toEqual(recipient);
    expect(Object.keys(identity).toSorted()).toEqual(["cost", "recipient", "vault"]);
  });
});

describe("joining a vault that is there", () => {
  /** Generation 2, inside a grace window. */
  let world: World;
  beforeAll(async () => {
    world = await World.pushed();
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  });

  test.each([
    ["new", NEW, 0],
    ["old", OLD, 1],
  ] as const)(
    "with the %s passphrase: the manifest, and what to remember of its slot",
    async (_name, passphrase, at) => {
      const { manifest, hint } = await joinVault(world, Secret.ofText(passphrase), ENV);
      const entry = (await world.open(NEW)).passphraseEntries[at] ?? expect.unreachable();
      expect([manifest.gen, manifest.vault]).toEqual([2, world.identity.vault]);
      expect(hint).toEqual(hintOf(entry));
      const { recipient } = await derivePassphraseKey(Secret.ofText(passphrase), hint.cost);
      expect(new Uint8Array(hint.recipient)).toEqual(recipient);
    },
  );

  test("with a wrong passphrase, or for another env: nothing is proven", async () => {
    expect(await rejection(joinVault(world, Secret.ofText("wrong"), ENV))).toBeInstanceOf(WrongPassphraseError);
    expect(await rejection(joinVault(world, Secret.ofText(NEW), "staging"))).toBeInstanceOf(NotAuthenticError);
  });
});
