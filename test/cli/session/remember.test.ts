import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { knownVaultOf } from "../../../src/cli/config/known-vault.ts";
import { type LocalConfig, loadConfig, saveConfig } from "../../../src/cli/config/local-config.ts";
import { initVault } from "../../../src/cli/init/init-vault.ts";
import type { SecretSources } from "../../../src/cli/inputs/secret-input.ts";
import { rememberManifest } from "../../../src/cli/session/session.ts";
import { generateSigningKey } from "../../../src/crypto/signing.ts";
import { floorOf } from "../../../src/vault/audit/floor.ts";
import { openManifest } from "../../../src/vault/open/open-manifest.ts";
import { passphraseEntry } from "../../../src/vault/unlock/passphrase-entry.ts";
import { hintOf } from "../../../src/vault/unlock/passphrase-holder.ts";
import { holding, ownEntry, passphrasesIn } from "../../support/passphrases.ts";
import { ENV, HOUR_MS, NEW, OLD, World } from "../../support/world.ts";
import { makeConfig, whichOf } from "../config-fixture.ts";

const warn = (text: string): never => expect.unreachable(text);

let home: string;
let world: World;
let genuine: Uint8Array;
/** At generation 2, the old passphrase may still read. The machine has used the new one. */
let config: LocalConfig;
beforeEach(async () => {
  home = mkdtempSync(join(realpathSync(tmpdir()), "vsync-remember-"));
  vi.stubEnv("XDG_CONFIG_HOME", home);
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  genuine = world.bytes("manifest");
  const manifest = await world.manifest(NEW);
  const { cost: kdf, recipient } = hintOf(manifest);
  const floors = new Map([[Buffer.from(recipient).toString("base64"), floorOf(manifest)]]);
  config = makeConfig({ vault: manifest.vault, env: ENV, seenGen: 2, kdf, recipient, floors });
  await saveConfig(config);
  await forgeAsOld();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** Generation 900, signed by the old passphrase's holder, who lists the new passphrase first and both as writers. */
async function forgeAsOld(): Promise<void> {
  const manifest = await world.manifest(OLD);
  const signingKey = generateSigningKey();
  const signer = Buffer.from(signingKey.publicKey).toString("base64");
  const { key, entry } = await ownEntry(manifest, OLD);
  const cost = { ...world.identity.cost, salt: Buffer.from(entry.kdf.salt, "base64") };
  const own = passphraseEntry(entry.slot, { key, cost }, { ...manifest, signer });
  const unlock = [...passphrasesIn(manifest).slice(0, 1), own];
  world.forge(
    { ...manifest, gen: 900, prev_gen: 899, audit: { gen: 899, sha256: "0".repeat(64) }, signer, unlock },
    signingKey,
  );
}

async function use(passphrase: string): Promise<void> {
  const latest = await loadConfig(config, warn);
  const expectation = knownVaultOf(latest);
  using holder = holding(passphrase);
  const { manifest } = await openManifest(world, { holder, expect: expectation });
  await rememberManifest(latest, expectation.history, manifest, warn);
}

test("a manifest opened with the old passphrase does not raise the floor of the new one that it names", async () => {
  await use(OLD);
  world.tamper("manifest", genuine);
  await use(NEW);
  expect(await loadConfig(config, warn)).toMatchObject({ seenGen: 2, recipient: config.recipient });
});

test("joining with the old passphrase does not raise the floor of the new one", async () => {
  const file = join(home, "passphrase");
  const init = async (passphrase: string, current: LocalConfig | null) => {
    writeFileSync(file, passphrase, { mode: 0o600 });
    const prepared = { store: world.store, isThere: true, isReadOnly: false, make: async () => undefined };
    const request = {
      target: whichOf(config),
      current,
      reset: current === null,
      expected: undefined,
      only: null,
      isProtected: false,
      app: undefined,
      location: config,
      prepared,
      passphraseFile: file,
    };
    const output = { say: () => undefined, warn };
    return initVault(request, {
      output,
      variables: {},
      prompter: { isInteractive: false },
    } as unknown as SecretSources);
  };
  await init(OLD, null);
  const poisoned = await loadConfig(config, warn);
  world.tamper("manifest", genuine);
  expect(await init(NEW, poisoned)).toMatchObject({ kind: "joined", gen: 2 });
  await use(NEW);
  expect(await loadConfig(config, warn)).toMatchObject({ seenGen: 2, recipient: config.recipient });
});
