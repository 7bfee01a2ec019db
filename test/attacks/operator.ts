import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { systemRandom } from "../../src/stores/open-store.ts";
import { openForCommit } from "../../src/vault/commit/open-for-commit.ts";
import { sealBundle } from "../../src/vault/commit/seal-bundle.ts";
import type { Item } from "../../src/vault/format/item.ts";
import { encodeManifest } from "../../src/vault/format/manifest.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { type Machine, OLD } from "../support/program/machine.ts";
import type { FixtureItem } from "../support/vault-fixture.ts";

/**
 * Writes an operator's bundle without vsync's own checks, signed and named by the manifest.
 *
 * @returns a writer that builds on the original vault
 */
export async function operatorOf(machine: Machine): Promise<(items: readonly FixtureItem[]) => Promise<void>> {
  using holder = new PassphraseHolder(Secret.ofText(OLD));
  const { vault: opened, signingKey } = await openForCommit(machine.ports, { holder, expect: { env: "prod" } });
  const { manifest } = opened;
  const entries = manifest.unlock;
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
