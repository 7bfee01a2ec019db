import { beforeEach, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey, type SigningKey } from "../../src/crypto/signing.ts";
import { BundleCorruptError, NotAuthenticError, RollbackError } from "../../src/errors.ts";
import { commitGeneration } from "../../src/vault/commit/commit.ts";
import { baseOn } from "../../src/vault/commit/draft.ts";
import { NO_TOKENS } from "../../src/vault/commit/vault-tokens.ts";
import { encodeAuditRow } from "../../src/vault/format/audit-row.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { UnlockEntry } from "../../src/vault/format/unlock-entry.ts";
import type { OpenedVault } from "../../src/vault/open/open.ts";
import { openSigningKey } from "../../src/vault/open/open-bundle.ts";
import { passphraseEntry } from "../../src/vault/unlock/passphrase-entry.ts";
import { freshCost } from "../../src/vault/unlock/passphrase-holder.ts";
import { ownEntry, passphrasesIn } from "../support/passphrases.ts";
import { ACTOR, COST, HOUR_MS, NEW, OLD, rejection, rootKeyOf, takeAll, World } from "../support/world.ts";

/*
 * The attacker knew the old passphrase while it could write, kept the signing key of that time, and still writes the
 * bucket.
 */
let world: World;
let old: OpenedVault;
let oldKey: SigningKey;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  old = await world.open();
  oldKey = openSigningKey(old.bundle.header, old.bundle.keys.operatorKey ?? expect.unreachable());
});

const WINDOWS = [
  ["without grace", {}],
  ["with grace", { graceMs: HOUR_MS }],
] as const;

/** Commits on top of the current vault, and writes the audit rows too. */
async function forge(on: OpenedVault, unlock: readonly UnlockEntry[], signingKey = oldKey): Promise<void> {
  for (const key of world.objects().keys()) if (key > auditKey(on.manifest.gen) && key < "b") world.tamper(key, null);
  const { version = "" } = world.store.bucket.get(MANIFEST_KEY) ?? {};
  const items = [{ id: "00000000000000aa", name: "A", kind: "secret", data: Secret.ofText("forged") }] as const;
  const draft = {
    action: "push",
    actor: ACTOR,
    meta: {},
    items,
    unlock,
    signingKey,
    rotates: false,
    tokens: NO_TOKENS,
  };
  await takeAll(commitGeneration(world, baseOn({ ...on, version, signingKey }), () => draft));
}

describe.each(WINDOWS)(
  "after a rotation %s, the new passphrase accepts nothing that the attacker forges",
  (_name, grace) => {
    let current: Manifest;
    beforeEach(async () => {
      await world.rotate(OLD, NEW, grace);
      current = await world.manifest(NEW);
    });

    test("a generation signed with the old key, with the new entry copied into it", async () => {
      await forge(old, current.unlock);
      expect(await rejection(world.open(NEW))).toMatchObject({
        name: "NotAuthenticError",
        message: "the manifest's signer is not endorsed by this passphrase (slot p2)",
        hint: "someone without the passphrase wrote this manifest: do not use it; check who can write to the bucket",
      });
    });

    test("the old key's signature under the new signer's name", async () => {
      world.forge({ ...current, repo: "forged" }, oldKey);
      expect(await rejection(world.open(NEW))).toMatchObject({
        name: "NotAuthenticError",
        message: "the manifest is not signed by the vault's signer",
      });
    });

    test("a signer of the attacker's own", async () => {
      const own = generateSigningKey();
      world.forge({ ...current, signer: encodeBase64(own.publicKey) }, own);
      expect(await rejection(world.open(NEW))).toBeInstanceOf(NotAuthenticError);
    });

    test("the new entry under an old name, with that name's endorsement", async () => {
      const [entry = expect.unreachable()] = passphrasesIn(current);
      const [seen = expect.unreachable()] = passphrasesIn(old.manifest);
      world.forge({ ...old.manifest, unlock: [{ ...entry, slot: "p1", endorse: seen.endorse }] }, oldKey);
      expect(await rejection(world.open(NEW))).toBeInstanceOf(NotAuthenticError);
    });

    test("the old manifest: readers with a floor call it a rollback, and the audit rows expose it", async () => {
      world.forge(old.manifest, oldKey);
      expect(await rejection(world.open(NEW))).toMatchObject({ name: "WrongPassphraseError" });
      expect(await rejection(world.openAfresh(OLD, { minGen: 2 }))).toBeInstanceOf(RollbackError);
      expect(await rejection(world.verify(old.manifest))).toMatchObject({ name: "AuditBrokenError", row: 2 });
    });

    test("an audit row of the rotation", async () => {
      world.tamper(auditKey(2), encodeAuditRow(current, oldKey));
      expect(await rejection(world.verify(current))).toMatchObject({
        row: 2,
        message: "audit row 2 is not signed by the vault's signer",
      });
    });
  },
);

describe("in a grace window, the old passphrase", () => {
  beforeEach(async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  });

  test("gets the root key, which does not open the signing key", async () => {
    const { header, keys } = (await world.open(OLD)).bundle;
    expect(() => openSigningKey(header, rootKeyOf(keys))).toThrow(BundleCorruptError);
  });

  test("cannot turn its entry into one that writes", async () => {
    const manifest = await world.manifest(OLD);
    const unlock = passphrasesIn(manifest).map(({ not_after: _until, ...entry }) => entry);
    world.forge({ ...manifest, unlock }, oldKey);
    for (const by of [OLD, NEW]) expect(await rejection(world.open(by))).toBeInstanceOf(NotAuthenticError);
  });
});

describe("an entry that was planted before the rotation", () => {
  const PLANTED = "the attacker's own passphrase";
  beforeEach(async () => {
    const cost = freshCost(world.random, COST);
    const key = await derivePassphraseKey(Secret.ofText(PLANTED), cost);
    await forge(old, [passphraseEntry("planted", { key, cost }, old.manifest), ...old.manifest.unlock]);
    expect(await world.secrets(PLANTED)).toEqual({ A: "forged" });
  });

  test("outlives a push", async () => {
    await world.push({ A: "2" });
    expect(await world.secrets(PLANTED)).toEqual({ A: "2" });
  });

  test.each(WINDOWS)("is dropped by a rotation %s, which says so first", async (_name, grace) => {
    const { plan } = await world.rotate(OLD, NEW, grace);
    expect(plan.dropped.map(({ slot }) => slot)).toEqual(["planted"]);
    expect(await rejection(world.open(PLANTED))).toMatchObject({ name: "WrongPassphraseError" });
    const slots = (await world.open(NEW)).bundle.header.slots.map(({ id }) => id);
    expect(slots).toEqual("graceMs" in grace ? ["p3", "p1"] : ["p3"]);
  });

  test.each(WINDOWS)(
    "is not confused with the new entry, %s, even under the name that comes next",
    async (_name, grace) => {
      const { key } = await ownEntry(await world.manifest(), OLD);
      const renamed = passphraseEntry("p4", { key, cost: world.identity.cost }, old.manifest);
      await forge(await world.open(), [renamed]);
      await world.rotate(OLD, NEW, grace);
      const slots = (await world.open(NEW)).bundle.header.slots.map(({ id }) => id);
      expect(slots).toEqual("graceMs" in grace ? ["p4-new", "p4"] : ["p4"]);
      expect(await world.secrets(NEW)).toEqual({ A: "forged" });
      if ("graceMs" in grace) expect(await world.secrets(OLD)).toEqual({ A: "forged" });
    },
  );
});
