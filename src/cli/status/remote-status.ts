import type { Secret } from "../../crypto/secret.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock } from "../../stores/open-store.ts";
import type { Actor, Manifest } from "../../vault/format/manifest.ts";
import { requireJoined, requireSeen } from "../../vault/open/expectation.ts";
import { fetchManifest, openManifest } from "../../vault/open/open-manifest.ts";
import { accessOf, type SlotAccess } from "../../vault/unlock/entries.ts";
import { holderOf, type KnownVault, knownVaultOf, seenVaultOf } from "../config/known-vault.ts";
import type { LocalConfig, Warn } from "../config/local-config.ts";
import { rememberManifest } from "../session/session.ts";
import { openStore } from "../session/store.ts";

/** The store's state of one vault, for people and for `--json`. */
export interface RemoteStatus {
  readonly gen: number;
  /** When that generation was committed, by the committing machine's clock. */
  readonly at: string;
  readonly action: string;
  readonly actor: Actor;
  readonly rotatedAt: string;
  readonly slots: readonly SlotAccess[];
  /** Whether a passphrase has proven all this. Otherwise anyone who can write to the store may have made it up. */
  readonly isVerified: boolean;
}

/**
 * Asks the store. Null before the first push. Remembers a generation that a passphrase has proven.
 *
 * @throws what `requireSeen` and fetching a manifest throw, and with a passphrase what opening it throws
 */
export async function remoteStatus(
  config: LocalConfig,
  passphrase: Secret | null,
  warn: Warn,
): Promise<RemoteStatus | null> {
  const store = await openStore(config);
  const manifest = (await fetchManifest(store))?.manifest ?? null;
  if (passphrase === null || manifest === null) requireSeen(manifest, seenVaultOf(config));
  if (manifest === null) return null;
  if (passphrase === null) return statusOf(manifest, false);
  requireJoined(manifest, seenVaultOf(config));
  const expect = knownVaultOf(config);
  const proven = await provenManifest(store, config, passphrase, expect);
  await rememberManifest(config, expect.history, proven, warn);
  return statusOf(proven, true);
}

async function provenManifest(
  store: ObjectStore,
  config: LocalConfig,
  passphrase: Secret,
  expect: KnownVault,
): Promise<Manifest> {
  using holder = holderOf(passphrase, config);
  return (await openManifest({ store, clock: systemClock }, { holder, expect })).manifest;
}

function statusOf(manifest: Manifest, isVerified: boolean): RemoteStatus {
  const { gen, at, action, actor, rotated_at: rotatedAt } = manifest;
  return { gen, at, action, actor, rotatedAt, slots: accessOf(manifest, systemClock.nowMs()), isVerified };
}
