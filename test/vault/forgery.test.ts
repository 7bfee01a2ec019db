import { beforeEach, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey, type SigningKey } from "../../src/crypto/signing.ts";
import { AuditBrokenError, BundleCorruptError, NotAuthenticError, RollbackError } from "../../src/errors.ts";
import { commitGeneration } from "../../src/vault/commit/commit.ts";
import { baseOn } from "../../src/vault/commit/draft.ts";
import { encodeAuditRow } from "../../src/vault/format/audit-row.ts";
import { encodeManifest, type Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { UnlockEntry } from "../../src/vault/format/unlock-entry.ts";
import { type OpenedVault, openVault } from "../../src/vault/open/open.ts";
import { openSigningKey } from "../../src/vault/open/open-bundle.ts";
import type { RotationPlan } from "../../src/vault/rotate.ts";
import { passphraseEntry } from "../../src/vault/unlock/passphrase-entry.ts";
import { freshCost } from "../../src/vault/unlock/passphrase-holder.ts";
import { holding, ownEntry, passphrasesIn } from "../support/passphrases.ts";
import { ACTOR, COST, ENV, HOUR_MS, NEW, OLD, rejection, takeAll, World } from "../support/world.ts";

/** An attacker who knew the old passphrase while it could write, and may still write the bucket. */
interface Attacker {
  readonly vault: OpenedVault;
  readonly signingKey: SigningKey;
}

const PLANTED = "the attacker's own passphrase";
const FORGED = [{ id: "00000000000000aa", name: "A", kind: "secret", data: Secret.ofText("forged") }] as const;

let world: World;
let attacker: Attacker;

beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  const vault = await world.open();
  const { operatorKey } = vault.bundle.keys;
  if (operatorKey === null) throw new TypeError("the old passphrase only reads");
  attacker = { vault, signingKey: openSigningKey(vault.bundle.header, operatorKey) };
});

function put(manifest: Manifest, key: SigningKey): void {
  const bytes = encodeManifest(manifest, key);
  world.store.bucket.set(MANIFEST_KEY, { bytes, version: sha256Hex(bytes) });
}

/** Commits over whatever is there, rows too, as only someone who can write the bucket could. */
async function forge(on: OpenedVault, unlock: readonly UnlockEntry[], signingKey: SigningKey): Promise<void> {
  world.store.bucket.delete(auditKey(on.manifest.gen + 1));
  const stored = world.store.bucket.get(MANIFEST_KEY);
  const version = stored?.version ?? "";
  const base = baseOn({ ...on, version, signingKey });
  const draft = { action: "push", actor: ACTOR, meta: {}, items: FORGED, unlock, signingKey, rotates: false };
  await takeAll(commitGeneration(world, base, () => draft));
}

async function plantedEntry(signer: string): Promise<UnlockEntry> {
  const cost = freshCost(world.random, COST);
  const key = await derivePassphraseKey(Secret.ofText(PLANTED), cost);
  return passphraseEntry("planted", { key, cost }, { ...attacker.vault.manifest, signer });
}

describe.each([
  ["without grace", {}],
  ["with grace", { graceMs: HOUR_MS }],
])("after a rotation %s, who knew the old passphrase forges nothing that the new one takes", (_name, grace) => {
  let current: OpenedVault;
  beforeEach(async () => {
    await world.rotate(OLD, NEW, grace);
    current = await world.open(NEW);
  });

  test("a generation signed with the old signing key, the new slot copied into it", async () => {
    await forge(attacker.vault, current.manifest.unlock, attacker.signingKey);
    expect(await rejection(world.open(NEW))).toMatchObject({
      name: "NotAuthenticError",
      message: "the manifest's signer is not endorsed by this passphrase (slot p2)",
      hint: "someone without the passphrase wrote this manifest: do not use it, look at who can write the bucket",
    });
  });

  test("the new signer named, and the old key's signature below", async () => {
    put({ ...current.manifest, env: ENV, repo: "forged" }, attacker.signingKey);
    expect(await rejection(world.open(NEW))).toMatchObject({
      name: "NotAuthenticError",
      message: "the manifest is not signed by the vault's signer",
    });
  });

  test("a signer of its own, endorsed by nobody who knows the new passphrase", async () => {
    const own = generateSigningKey();
    put({ ...current.manifest, signer: encodeBase64(own.publicKey) }, own);
    expect(await rejection(world.open(NEW))).toBeInstanceOf(NotAuthenticError);
  });

  test("the slot renamed to that of an endorsement which it has seen", async () => {
    const [entry] = passphrasesIn(current.manifest);
    if (entry === undefined) throw new TypeError("no slot");
    const unlock = [{ ...entry, slot: "p1", endorse: passphrasesIn(attacker.vault.manifest)[0]?.endorse ?? "" }];
    put({ ...attacker.vault.manifest, unlock }, attacker.signingKey);
    expect(await rejection(world.open(NEW))).toBeInstanceOf(NotAuthenticError);
  });

  test("the older manifest put back: no slot for the new passphrase, and a rollback for who has a floor", async () => {
    put(attacker.vault.manifest, attacker.signingKey);
    expect(await rejection(world.open(NEW))).toMatchObject({ name: "WrongPassphraseError" });
    const expectation = { env: ENV, minGen: 2 };
    const again = openVault(world, { holder: holding(OLD), expect: expectation });
    expect(await rejection(again)).toBeInstanceOf(RollbackError);
    const error = await rejection(world.verify((await world.open()).manifest));
    expect(error).toBeInstanceOf(AuditBrokenError);
    expect(error).toMatchObject({ row: 2 });
  });

  test("the audit row of the rotation, signed with the old key", async () => {
    const bytes = encodeAuditRow(current.manifest, attacker.signingKey);
    world.store.bucket.set(auditKey(2), { bytes, version: sha256Hex(bytes) });
    const error = await rejection(world.verify(current.manifest));
    expect(error).toBeInstanceOf(AuditBrokenError);
    expect(error).toMatchObject({ row: 2, message: "audit row 2 is not signed by the vault's signer" });
  });
});

describe("inside a window, the old passphrase's holder", () => {
  test("has the root key, and no box of the signing key opens with it", async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    const { bundle } = await world.open();
    const asOperator = await rejection(
      Promise.resolve().then(() => openSigningKey(bundle.header, bundle.keys.rootKey)),
    );
    expect(asOperator).toBeInstanceOf(BundleCorruptError);
  });

  test("cannot make an operator slot of its reader slot", async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    const { manifest } = await world.open();
    const unlock = passphrasesIn(manifest).map(({ not_after: _until, ...entry }) => entry);
    put({ ...manifest, unlock }, attacker.signingKey);
    expect(await rejection(world.open())).toBeInstanceOf(NotAuthenticError);
    expect(await rejection(world.open(NEW))).toBeInstanceOf(NotAuthenticError);
  });
});

describe("a planted operator slot", () => {
  beforeEach(async () => {
    const { manifest } = attacker.vault;
    const planted = await plantedEntry(manifest.signer);
    await forge(attacker.vault, [planted, ...manifest.unlock], attacker.signingKey);
    expect(await world.secrets(PLANTED)).toEqual({ A: "forged" });
  });

  test("outlives a push: only a rotation shuts it out", async () => {
    await world.push({ A: "2" });
    expect(await world.secrets(PLANTED)).toEqual({ A: "2" });
  });

  test.each([
    ["without grace", {}],
    ["with grace", { graceMs: HOUR_MS }],
  ])("is dropped by a rotation %s, which says so first", async (_name, grace) => {
    const plans: RotationPlan[] = [];
    await world.rotate(OLD, NEW, {
      ...grace,
      confirm: async (plan) => {
        plans.push(plan);
        return true;
      },
    });
    expect(plans.map((plan) => plan.dropped.map((entry) => entry.slot))).toEqual([["planted"]]);
    expect(await rejection(world.open(PLANTED))).toMatchObject({ name: "WrongPassphraseError" });
    const slots = (await world.open(NEW)).bundle.header.slots.map((slot) => slot.id);
    expect(slots).toEqual("graceMs" in grace ? ["p3", "p1"] : ["p3"]);
  });

  test("the old slot renamed to what the rotation would call its own does not stand in its way", async () => {
    const { manifest } = await world.open();
    const { key } = await ownEntry(manifest, OLD);
    const renamed = passphraseEntry("p4", { key, cost: world.identity.cost }, manifest);
    await forge(await world.open(), [renamed], attacker.signingKey);
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(await world.secrets(NEW)).toEqual({ A: "forged" });
    expect(await world.secrets()).toEqual({ A: "forged" });
  });
});

test("a signer that the passphrase endorses and the bundle does not hold: it is read, and nothing is committed on it", async () => {
  const own = generateSigningKey();
  const { manifest } = attacker.vault;
  const { key } = await ownEntry(manifest, OLD);
  const signer = encodeBase64(own.publicKey);
  const entry = passphraseEntry("p1", { key, cost: world.identity.cost }, { ...manifest, signer });
  put({ ...manifest, signer, unlock: [entry] }, own);
  expect(await world.secrets()).toEqual({ A: "1" });
  const { size } = world.store.bucket;
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({
    name: "BundleCorruptError",
    message: "the bundle's signing key is not the manifest's signer",
    hint: "look at who wrote this generation; put the one before back, from the bucket's object versions or a backup",
  });
  expect(world.store.bucket.size).toBe(size);
});

test("an amend request that expects another vault or env is refused", async () => {
  for (const expectation of [{ env: "staging" }, { env: ENV, vault: "AAAAAAAAAAAAAAAAAAAAAA" }]) {
    const opening = world.openAfresh(OLD, expectation);
    expect(await rejection(opening)).toBeInstanceOf(NotAuthenticError);
  }
});
