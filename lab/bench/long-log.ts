import { randomBytes } from "node:crypto";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { commitGeneration } from "../../src/vault/commit/commit.ts";
import { baseOn } from "../../src/vault/commit/draft.ts";
import { openForCommit, type WritableVault } from "../../src/vault/commit/open-for-commit.ts";
import { encodeAuditRow } from "../../src/vault/format/audit-row.ts";
import { encodeManifest, type Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { createVault, PASSPHRASE, type VaultTokenFields } from "../../test/support/vault-fixture.ts";
import { takeAll } from "../../test/support/world.ts";

const ITEMS = [{ name: "DATABASE_URL", data: "postgres://app:value@db.internal/app" }];

export interface LongLog {
  /** Objects by key, without prefix. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly fields: VaultTokenFields;
}

/**
 * A vault with this many generations. Its rows are chained and signed as if by commits; only the first and the last
 * generation have a bundle, as after `gc`.
 *
 * @param rows at least 2
 */
export async function buildLongLog(rows: number): Promise<LongLog> {
  const store = new MemoryStore();
  const fixture = await createVault(store, { items: ITEMS });
  const clock = { nowMs: Date.now };
  const writable = await openForCommit(
    { store, clock },
    { holder: new PassphraseHolder(Secret.ofText(PASSPHRASE)), expect: { env: "prod" } },
  );
  const manifest = chainRows(store, writable, rows - 1);
  const bytes = encodeManifest(manifest, writable.signingKey);
  const version = sha256Hex(bytes);
  store.bucket.set(MANIFEST_KEY, { bytes, version });
  const { action, actor, meta } = manifest;
  const { signingKey, vault, tokens } = writable;
  const base = baseOn({ manifest, sha256: version, version, signingKey });
  const unlock = vault.manifest.unlock;
  const draft = { action, actor, meta, unlock, signingKey, items: vault.bundle.items, rotates: false, tokens };
  await takeAll(commitGeneration({ store, clock, random: { bytes: randomBytes } }, base, () => draft));
  const objects = new Map([...store.bucket].map(([key, stored]) => [key, stored.bytes] as const));
  return { objects, fields: fixture.tokenFields };
}

/** Appends the rows of the generations up to `gen`, and returns its manifest. */
function chainRows(store: MemoryStore, { vault, signingKey }: WritableVault, gen: number): Manifest {
  let manifest = vault.manifest;
  while (manifest.gen < gen) {
    const row = encodeAuditRow(manifest, signingKey);
    store.bucket.set(auditKey(manifest.gen), { bytes: row, version: sha256Hex(row) });
    manifest = {
      ...manifest,
      gen: manifest.gen + 1,
      prev_gen: manifest.gen,
      audit: { gen: manifest.gen, sha256: sha256Hex(row) },
      prev: sha256Hex(encodeManifest(manifest, signingKey)),
    };
  }
  return manifest;
}
