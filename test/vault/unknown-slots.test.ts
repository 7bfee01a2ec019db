import { beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { UnsupportedSpecVersionError } from "../../src/errors.ts";
import { openForCommit } from "../../src/vault/commit/open-for-commit.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import { encodeManifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { collectGarbage } from "../../src/vault/gc.ts";
import { reconcileAudit } from "../../src/vault/reconcile.ts";
import { restoreGeneration } from "../../src/vault/restore.ts";
import { setItems, unsetItems } from "../../src/vault/set.ts";
import { PassphraseKeys } from "../../src/vault/unlock/passphrase-holder.ts";
import {
  amendRequest,
  forkOf,
  HOUR_MS,
  NEW,
  OLD,
  open,
  push,
  pushedWorld,
  rejection,
  rotate,
  secretItems,
  secretsIn,
  type World,
} from "./fixture.ts";

/** Inside a grace window, and with a slot of a kind that only a later version knows. */
let world: World;
beforeEach(async () => {
  world = await pushedWorld({ A: "1" });
  await rotate(world, OLD, NEW, { graceMs: HOUR_MS });
  const { vault, signingKey } = await openForCommit(world, amendRequest(NEW), new PassphraseKeys(Secret.ofText(NEW)));
  const unlock = [{ kind: "scoped", slot: "ci", items: ["A"] }, ...vault.manifest.unlock];
  const bytes = encodeManifest({ ...vault.manifest, unlock }, signingKey);
  world.store.bucket.set(MANIFEST_KEY, { bytes, version: sha256Hex(bytes) });
});

test("readers skip it", async () => {
  expect(await secretsIn(world, OLD)).toEqual({ A: "1" });
  expect(await secretsIn(world, NEW)).toEqual({ A: "1" });
  expect((await open(world, NEW)).passphraseEntries.map((entry) => entry.slot)).toEqual(["p2", "p1"]);
});

const yes = async () => true;
test.each<[string, (world: World) => Promise<unknown>]>([
  ["push", (it) => push(it, NEW, { A: "2" })],
  ["set", (it) => setItems(it, amendRequest(NEW), secretItems({ A: "2" }))],
  ["unset", (it) => unsetItems(it, amendRequest(NEW), ["A"])],
  ["rotate", (it) => rotate(it, NEW, "a third passphrase")],
  ["finish", (it) => finishRotation(it, amendRequest(NEW))],
  [
    "restore",
    (it) => restoreGeneration(it, { ...amendRequest(NEW), gen: 2, passphraseThen: Secret.ofText(NEW), confirm: yes }),
  ],
  ["gc", (it) => collectGarbage(it, { ...amendRequest(NEW), keep: 1, olderThanMs: 0, confirm: yes })],
])("%s is refused rather than shut its holder out", async (_name, write) => {
  const { bucket } = forkOf(world).store;
  const error = await rejection(write(world));
  expect(error).toBeInstanceOf(UnsupportedSpecVersionError);
  expect(error).toMatchObject({
    message: String.raw`the vault has a slot of the unknown kind "\"scoped\""`,
    hint: "upgrade vsync before writing this vault: this version would shut that slot's holder out",
  });
  expect(world.store.bucket).toEqual(bucket);
});

test("reconcile seals to nobody, and appends the row", async () => {
  world.store.bucket.delete(auditKey(2));
  expect(await reconcileAudit(world, amendRequest(NEW))).toEqual({ gen: 2, appended: true });
});
