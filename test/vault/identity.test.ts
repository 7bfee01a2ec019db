import { beforeAll, describe, expect, test } from "vitest";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { newVaultId } from "../../src/vault/join.ts";
import { freshHint, hintOf } from "../../src/vault/unlock/passphrase-holder.ts";
import { passphrasesIn } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, seededRandom, World } from "../support/world.ts";

test("a vault that has no generation yet has an id of 16 bytes", () => {
  expect(Buffer.from(newVaultId(seededRandom("identity")), "base64url")).toHaveLength(16);
});

test("a new passphrase gets a fresh salt and RFC 9106's second option, and its recipient is remembered", async () => {
  const { cost, recipient } = await freshHint(seededRandom("identity"), Secret.ofText(OLD));
  expect(cost).toMatchObject({ iterations: 3, memoryKiB: 65536, parallelism: 4 });
  expect(cost.salt).toHaveLength(16);
  expect((await derivePassphraseKey(Secret.ofText(OLD), cost)).recipient).toEqual(recipient);
});

describe("inside a grace window", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.pushed();
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  });

  test("the hint is that of the passphrase that may write, wherever its entry stands", async () => {
    const manifest = await world.manifest(NEW);
    const { cost, recipient } = hintOf(manifest);
    expect(Buffer.from(recipient).toString("base64")).toBe(passphrasesIn(manifest)[0]?.recipient);
    const derived = await derivePassphraseKey(Secret.ofText(NEW), cost);
    expect(new Uint8Array(recipient)).toEqual(derived.recipient);
    const unlock = [{ kind: null, raw: { kind: "scoped" } }, ...manifest.unlock.toReversed()];
    expect(hintOf({ ...manifest, unlock })).toEqual({ cost, recipient });
  });

  test("the manifest tells the old passphrase when it ends, the new one that it does not", async () => {
    expect((await world.openManifest(OLD)).unlocked.until).toBe("2026-01-01T01:00:00.000Z");
    expect((await world.openManifest(NEW)).unlocked.until).toBeNull();
  });
});
