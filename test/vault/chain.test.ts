import { expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { setItems } from "../../src/vault/set.ts";
import { amendRequest, HOUR_MS, NEW, OLD, open, push, pushedWorld, rotate, secretItems } from "./fixture.ts";

test("each manifest names the manifest and the row before it, by their digests, and when the vault was last rotated", async () => {
  const world = await pushedWorld({ A: "1" });
  const manifests: { manifest: Manifest; sha256: string }[] = [];
  const note = async (passphrase: string) => {
    const { bytes } = world.store.bucket.get(MANIFEST_KEY) ?? expect.unreachable();
    manifests.push({ manifest: (await open(world, passphrase)).manifest, sha256: sha256Hex(bytes) });
    world.clock.ms += HOUR_MS;
  };
  await note(OLD);
  await push(world, OLD, { A: "2" });
  await note(OLD);
  await rotate(world, OLD, NEW, { graceMs: 9 * HOUR_MS });
  await note(NEW);
  await setItems(world, amendRequest(NEW), secretItems({ A: "3" }));
  await note(NEW);
  await finishRotation(world, amendRequest(NEW));
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
