import { systemRandom } from "../../src/cli/stores.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { Item } from "../../src/vault/item.ts";
import { MANIFEST_KEY } from "../../src/vault/keys.ts";
import { encodeManifest } from "../../src/vault/manifest.ts";
import { openForCommit } from "../../src/vault/open-for-commit.ts";
import { PassphraseKeys } from "../../src/vault/passphrase-keys.ts";
import { sealBundle } from "../../src/vault/seal-bundle.ts";
import { type Machine, OLD } from "../integration/rotation-fixture.ts";
import type { FixtureItem } from "../support/vault-fixture.ts";

/**
 * Writes whatever an operator wants, with none of vsync's own checks: a bundle, signed and named by the manifest.
 *
 * @returns what writes; it goes by the vault as it was at first
 */
export async function operatorOf(machine: Machine): Promise<(items: readonly FixtureItem[]) => Promise<void>> {
  const passphrase = Secret.ofText(OLD);
  const keys = new PassphraseKeys(passphrase);
  const opening = openForCommit(machine.ports, { passphrase, expect: { env: "prod" } }, keys);
  const { vault: opened, signingKey } = await opening.finally(() => keys.destroy());
  const { manifest, passphraseEntries: entries } = opened;
  const { vault, gen } = manifest;
  let atMs = Date.parse(manifest.at);
  return async (items) => {
    const sealed = items.map((item, at) => sealable(item, at));
    const bytes = await sealBundle(systemRandom, { vault, gen, entries, signingKey, items: sealed });
    atMs += 1000;
    const key = `v=${new Date(atMs).toISOString().replaceAll(/[-:.]/g, "")}`;
    await machine.store.create(key, bytes);
    const bundle = { key, size: bytes.length, sha256: sha256Hex(bytes) };
    const version = (await machine.store.head(MANIFEST_KEY)) ?? "";
    await machine.store.replace(MANIFEST_KEY, encodeManifest({ ...manifest, bundle }, signingKey), version);
  };
}

function sealable({ kind = "secret", data, ...item }: FixtureItem, at: number): Item {
  const bytes = typeof data === "string" ? Secret.ofText(data) : Secret.ofBytes(Uint8Array.from(data));
  return { ...item, id: at.toString(16).padStart(16, "0"), kind, data: bytes };
}
