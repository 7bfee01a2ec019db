import { expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { HOUR_MS, NEW, OLD, World } from "../support/world.ts";

test("each manifest names the manifest and the row before it, by their digests, and when the vault was last rotated", async () => {
  const world = await World.pushed({ A: "1" });
  const manifests: { manifest: Manifest; sha256: string }[] = [];
  const note = async (passphrase: string) => {
    const { bytes } = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
    manifests.push({ manifest: (await world.open(passphrase)).manifest, sha256: sha256Hex(bytes) });
    world.clock.ms += HOUR_MS;
  };
  await note(OLD);
  await world.push({ A: "2" });
  await note(OLD);
  await world.rotate(OLD, NEW, { graceMs: 9 * HOUR_MS });
  await note(NEW);
  await world.set({ A: "3" }, { by: NEW });
  await note(NEW);
  await world.finish({ by: NEW });
  await note(NEW);
  expect(manifests.map(({ manifest }) => [manifest.gen, manifest.action, manifest.at, manifest.rotated_at])).toEqual([
    [1, "push", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"],
    [2, "push", "2026-01-01T01:00:00.000Z", "2026-01-01T00:00:00.000Z"],
    [3, "rotate", "2026-01-01T02:00:00.000Z", "2026-01-01T02:00:00.000Z"],
    [4, "set", "2026-01-01T03:00:00.000Z", "2026-01-01T02:00:00.000Z"],
    [5, "finish", "2026-01-01T04:00:00.000Z", "2026-01-01T02:00:00.000Z"],
  ]);
  expect(manifests[0]?.manifest).not.toHaveProperty("prev");
  expect(manifests[0]?.manifest).not.toHaveProperty("audit");
  for (const [at, { manifest }] of manifests.slice(1).entries()) {
    expect(manifest.prev).toBe(manifests[at]?.sha256);
    const row = world.store.bucket.get(auditKey(at + 1)) ?? expect.unreachable();
    expect(manifest.audit).toEqual({ gen: at + 1, sha256: sha256Hex(row.bytes) });
  }
});
