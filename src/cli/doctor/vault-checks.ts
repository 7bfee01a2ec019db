import type { Secret } from "../../crypto/secret.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock } from "../../stores/open-store.ts";
import { verifyAudit } from "../../vault/audit/chain.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { requireSeen } from "../../vault/open/expectation.ts";
import { openVault } from "../../vault/open/open.ts";
import type { OpenedManifest } from "../../vault/open/open-manifest.ts";
import { fetchManifest } from "../../vault/open/open-manifest.ts";
import { accessOf } from "../../vault/unlock/entries.ts";
import { hintOf } from "../../vault/unlock/passphrase-holder.ts";
import { holderOf, seenVaultOf } from "../config/known-vault.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { describeAccess } from "../status/render-status.ts";
import { badOrThrow, type Check, good, warning } from "./check.ts";

/** What can be said of a manifest without a passphrase. Returns it, or null where there is none to go on with. */
export async function* checkManifest(store: ObjectStore, config: LocalConfig): AsyncGenerator<Check, Manifest | null> {
  let manifest: Manifest | null;
  try {
    manifest = (await fetchManifest(store))?.manifest ?? null;
  } catch (error) {
    yield badOrThrow("manifest", error);
    return null;
  }
  yield manifestCheck(manifest, config);
  try {
    requireSeen(manifest, seenVaultOf(config));
  } catch (error) {
    yield badOrThrow("rollback", error);
    return null;
  }
  if (manifest === null) return null;
  yield good("rollback", `not older than generation ${config.seenGen}, the newest that this machine has seen`);
  yield accessCheck(manifest, config);
  return manifest;
}

function manifestCheck(manifest: Manifest | null, { env }: LocalConfig): Check {
  if (manifest === null) return warning("manifest", "there is none yet", `vsync push ${env}`);
  const { gen, at, actor, action } = manifest;
  return good("manifest", `generation ${gen}, ${at} by ${actor.user} on ${actor.host} (${action}), as it says itself`);
}

/** Who can still open the vault, and until when. */
function accessCheck(manifest: Manifest, config: LocalConfig): Check {
  const slots = accessOf(manifest, systemClock.nowMs());
  const message = slots.map(describeAccess).join("; ");
  if (Buffer.compare(hintOf(manifest).recipient, config.recipient) !== 0) {
    const rotated = `the passphrase was rotated on ${manifest.rotated_at}, and this machine knows the one before`;
    return warning("access", `${message}; ${rotated}`, `vsync init --env=${config.env}, with the new passphrase`);
  }
  return slots.some(({ access }) => access === "read")
    ? warning("access", message, `vsync rotate-passphrase --env=${config.env} --finish, once all apps have the new one`)
    : good("access", message);
}

/** Whether the passphrase opens the vault, and whether the newest audit row is there. */
export async function* checkPassphrase(
  store: ObjectStore,
  config: LocalConfig,
  passphrase: Secret,
): AsyncGenerator<Check, void> {
  using holder = holderOf(passphrase, config);
  try {
    const opened = await openVault({ store, clock: systemClock }, { holder, expect: seenVaultOf(config) });
    yield openedCheck(opened);
    yield await auditCheck(store, opened.manifest, config);
  } catch (error) {
    yield badOrThrow("passphrase", error);
  }
}

function openedCheck({ manifest, unlocked }: OpenedManifest): Check {
  const opens = `opens generation ${manifest.gen} by slot ${unlocked.slot}, and endorses who signed it`;
  if (unlocked.until === null) return good("passphrase", opens);
  return warning("passphrase", `${opens}; it only reads, until ${unlocked.until}`, "roll the new passphrase out");
}

/** The newest row or two: `vsync audit verify` goes through all of them. */
async function auditCheck(store: ObjectStore, manifest: Manifest, { env }: LocalConfig): Promise<Check> {
  try {
    const { outstanding } = await verifyAudit(store, manifest, { downTo: manifest.prev_gen });
    if (outstanding === null) return good("audit", `the row of generation ${manifest.gen} says what the manifest says`);
    return warning("audit", `the row of generation ${outstanding} is outstanding`, `vsync audit reconcile ${env}`);
  } catch (error) {
    return badOrThrow("audit", error);
  }
}
