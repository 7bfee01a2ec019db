import { beforeEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { generateSigningKey, type SigningKey, signEd25519, verifyEd25519 } from "../../../src/crypto/signing.ts";
import { openSlot, sealSlot } from "../../../src/crypto/slot.ts";
import { x25519PublicKey } from "../../../src/crypto/x25519.ts";
import { InputError, NotAuthenticError } from "../../../src/errors.ts";
import { readAudit } from "../../../src/vault/audit/chain.ts";
import { openForCommit } from "../../../src/vault/commit/open-for-commit.ts";
import { aadOf, type BundleHeader } from "../../../src/vault/format/bundle-header.ts";
import type { ListedItem } from "../../../src/vault/format/listing.ts";
import { encodeManifest, type Manifest } from "../../../src/vault/format/manifest.ts";
import { openVault } from "../../../src/vault/open/open.ts";
import { type BundleKeys, RootKeys } from "../../../src/vault/unlock/bundle-keys.ts";
import type { KeyHolder, Unlocked } from "../../../src/vault/unlock/key-holder.ts";
import { ENV, rejection, rootKeyOf, secretsOf, World } from "../../support/world.ts";

/*
 * A second kind of holder, made up here: a badge. It has a key pair of its own, trusts a signer that its issuer has
 * signed, finds its slot by its name, and only reads. Nothing in src/ has heard of it.
 */

/** Decodes a base64 field of the JSON. */
const bytesOf = (text: unknown): Buffer => Buffer.from(typeof text === "string" ? text : "", "base64");

class BadgeHolder implements KeyHolder {
  readonly #seed = Secret.ofBytes(new Uint8Array(32).fill(9));
  readonly #issuer: Uint8Array;

  constructor(issuer: Uint8Array) {
    this.#issuer = issuer;
  }

  get recipient(): Uint8Array {
    return x25519PublicKey(this.#seed.expose());
  }

  prepare(): void {}

  async unlock({ unlock, vault, signer }: Manifest): Promise<Unlocked> {
    const badge = unlock
      .map((entry) => (entry.kind === null ? entry.raw : null))
      .find((raw) => raw?.["kind"] === "badge");
    const sig = bytesOf(badge?.["sig"]);
    if (!verifyEd25519(this.#issuer, Buffer.from(`badge|${vault}|${signer}`), sig)) {
      throw new NotAuthenticError("the issuer does not vouch for this signer");
    }
    return {
      slot: "badge",
      opener: "badge",
      until: null,
      requireCurrent: () => {},
      requireWriter: () => {
        throw new InputError("a badge can only read", { hint: "use the passphrase" });
      },
      openSlot: (header) => this.#openSlot(header),
    };
  }

  openOlderSlot(): Promise<BundleKeys> {
    throw new InputError("a badge opens no older generation", { hint: "use the passphrase" });
  }

  async #openSlot(header: BundleHeader): Promise<BundleKeys> {
    const slot = header.slots.find(({ id }) => id === "badge");
    const sealed = { enc: bytesOf(slot?.["enc"]), ct: bytesOf(slot?.["ct"]) };
    const rootKey = await openSlot(this.#seed.expose(), aadOf(header, "badge"), sealed, "the badge's slot");
    return RootKeys.ofReader(rootKey);
  }

  [Symbol.dispose](): void {
    this.#seed.destroy();
  }
}

let world: World;
let issuer: SigningKey;
let holder: BadgeHolder;

/** A vault whose operator has sealed it to a badge as well. */
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  issuer = generateSigningKey();
  holder = new BadgeHolder(issuer.publicKey);
  const { vault, signingKey } = await world.writable();
  const { manifest } = vault;
  const bundle = await withBadge(manifest, rootKeyOf((await world.open()).bundle.keys));
  const ref = { ...manifest.bundle, size: bundle.length, sha256: sha256Hex(bundle) };
  const sig = signEd25519(issuer, Buffer.from(`badge|${manifest.vault}|${manifest.signer}`));
  const badge = { kind: null, raw: { kind: "badge", sig: Buffer.from(sig).toString("base64") } };
  world.tamper(manifest.bundle.key, bundle);
  world.forge({ ...manifest, bundle: ref, unlock: [...manifest.unlock, badge] }, signingKey);
});

async function withBadge(manifest: Manifest, rootKey: Secret): Promise<Uint8Array> {
  const bytes = world.bytes(manifest.bundle.key);
  const end = bytes.indexOf(0x0a);
  const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as BundleHeader;
  const { enc, ct } = await sealSlot(holder.recipient, aadOf(header, "badge"), rootKey.expose());
  const slot = { id: "badge", enc: Buffer.from(enc).toString("base64"), ct: Buffer.from(ct).toString("base64") };
  const line = JSON.stringify({ ...header, slots: [...header.slots, slot] });
  return Buffer.concat([Buffer.from(line), bytes.subarray(end)]);
}

const request = () => ({ holder, expect: { env: ENV } });

describe("a kind of holder that src/ does not know", () => {
  test("opens the vault, and its audit rows", async () => {
    const { unlocked, bundle } = await openVault(world, request());
    expect([unlocked.slot, secretsOf(bundle.items)]).toEqual(["badge", { A: "1" }]);
    world.tamper("audit/000000000001", null);
    expect(await readAudit(world, request())).toMatchObject({ rows: [], outstanding: 1 });
  });

  test("must prove the signer itself", async () => {
    const { manifest } = await world.open();
    const own = generateSigningKey();
    const signer = Buffer.from(own.publicKey).toString("base64");
    world.tamper("manifest", encodeManifest({ ...manifest, signer }, own));
    expect(await rejection(openVault(world, request()))).toMatchObject({
      name: "NotAuthenticError",
      message: "the issuer does not vouch for this signer",
    });
  });

  test("says itself why it does not commit", async () => {
    expect(await rejection(openForCommit(world, request()))).toMatchObject({ message: "a badge can only read" });
  });

  test("is not locked out by somebody whose version does not know it", async () => {
    expect(await rejection(world.set({ B: "2" }))).toMatchObject({ name: "UnsupportedSpecVersionError" });
  });
});

test("keys to all items give no item's key after their end", () => {
  const keys = RootKeys.ofReader(new Uint8Array(32).fill(7));
  const item = { id: "0000000000000000" } as ListedItem;
  const before = keys.itemKey(item);
  keys[Symbol.dispose]();
  expect(keys.itemKey(item)).not.toEqual(before);
});
