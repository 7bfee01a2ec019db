import { beforeEach, expect, test } from "vitest";
import { SeenHistory } from "../../../src/cli/config/known-vault.ts";
import { floorOf } from "../../../src/vault/audit/floor.ts";
import { openVault } from "../../../src/vault/open/open.ts";
import { passphraseEntry } from "../../../src/vault/unlock/passphrase-entry.ts";
import { holding, ownEntry, passphrasesIn } from "../../support/passphrases.ts";
import { ENV, HOUR_MS, NEW, OLD, rejection, World } from "../../support/world.ts";
import { makeConfig } from "../config-fixture.ts";

/** Generation 2, in a grace window; the machine has opened it with both passphrases. */
let world: World;
let floors: Map<string, ReturnType<typeof floorOf>>;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  const manifest = await world.manifest(NEW);
  floors = new Map(passphrasesIn(manifest).map(({ recipient }) => [recipient, floorOf(manifest)]));
});

async function opening(passphrase: string) {
  const history = new SeenHistory(makeConfig({ seenGen: 2, floors }));
  using holder = holding(passphrase);
  const { manifest } = await openVault(world, { holder, expect: { env: ENV, history } });
  return { manifest, history };
}

test("a manifest shown under the old passphrase does not raise the new passphrase's floor", async () => {
  const genuine = world.bytes("manifest");
  // It has the signing key of generation 1, and endorses whatever it likes for itself.
  const first = World.pushed({ A: "1" });
  const { signingKey } = await (await first).writable();
  const manifest = await world.manifest(OLD);
  const { key, entry } = await ownEntry(manifest, OLD);
  const signer = Buffer.from(signingKey.publicKey).toString("base64");
  const { kdf, slot } = entry;
  const cost = { ...world.identity.cost, salt: Buffer.from(kdf.salt, "base64") };
  const own = passphraseEntry(slot, { key, cost }, { ...manifest, signer });
  world.forge(
    { ...manifest, gen: 900, prev_gen: 899, audit: { gen: 899, sha256: "0".repeat(64) }, signer, unlock: [own] },
    signingKey,
  );
  expect(await rejection(opening(OLD))).toMatchObject({ name: "AuditBrokenError" });
  world.tamper("manifest", genuine);
  const { manifest: seen, history } = await opening(NEW);
  expect([seen.gen, history.opener?.until]).toEqual([2, null]);
});

test("a passphrase that only reads raises only its own floor", async () => {
  const { history } = await opening(OLD);
  expect(history.opener).toMatchObject({ opener: passphrasesIn(await world.manifest(NEW))[1]?.recipient });
  expect(history.opener?.until).not.toBeNull();
});

test("a config from before floors is judged by its generation number", async () => {
  const recipient = Buffer.from(passphrasesIn(await world.manifest(NEW))[0]?.recipient ?? "", "base64");
  const history = new SeenHistory(makeConfig({ seenGen: 3, recipient }));
  using holder = holding(NEW);
  const error = await rejection(openVault(world, { holder, expect: { env: ENV, history } }));
  expect(error).toMatchObject({ message: "the store offers generation 2, but generation 3 was seen before" });
});
