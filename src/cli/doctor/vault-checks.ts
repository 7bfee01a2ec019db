import type { Secret } from "../../crypto/secret.ts";
import { InputError, VsyncError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock } from "../../stores/open-store.ts";
import { verifyAudit } from "../../vault/audit/chain.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { requireSeen } from "../../vault/open/expectation.ts";
import { type OpenedVault, openVault } from "../../vault/open/open.ts";
import { fetchManifest } from "../../vault/open/open-manifest.ts";
import { examineTokens } from "../../vault/tokens/planted.ts";
import { accessOf } from "../../vault/unlock/entries.ts";
import { hintOf } from "../../vault/unlock/passphrase-holder.ts";
import { holderOf, knownVaultOf, seenVaultOf } from "../config/known-vault.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs, vaultFlags } from "../config/target.ts";
import { missingNames } from "../session/open-configured.ts";
import { describeAccess } from "../status/render-status.ts";
import { counted, listed } from "../terminal/consent.ts";
import { attempt, bad, badOrThrow, type Check, good, unproven, warning } from "./check.ts";

/**
 * Checks the manifest and, with a passphrase, whether it opens the vault and the newest audit row matches. Without a
 * passphrase everything that the manifest says is unproven: anyone who can write to the store can forge it.
 */
export async function* checkVault(
  store: ObjectStore,
  config: LocalConfig,
  { passphrase, isCi }: { readonly passphrase: Secret | null; readonly isCi: boolean },
): AsyncGenerator<Check, void> {
  let fetched: Manifest | null;
  try {
    fetched = (await fetchManifest(store))?.manifest ?? null;
  } catch (error) {
    yield badOrThrow("manifest", error);
    return;
  }
  const opened = fetched === null || passphrase === null ? null : await tryToOpen(store, config, passphrase);
  const isProven = opened !== null && !(opened instanceof VsyncError);
  const manifest = isProven ? opened.manifest : fetched;
  const stated = isProven ? good : unproven;
  yield manifestCheck(manifest, config, isProven);
  try {
    // If a passphrase has proven the manifest, it was compared with that passphrase's own floor already.
    if (!isProven) requireSeen(manifest, seenVaultOf(config));
  } catch (error) {
    yield badOrThrow("rollback", error);
    return;
  }
  if (manifest === null) return;
  yield stated("rollback", `not older than generation ${config.seenGen}, the newest that this machine has seen`);
  yield accessCheck(manifest, config, stated);
  if (opened instanceof VsyncError) yield badOrThrow("passphrase", opened);
  else if (opened !== null) {
    yield openedCheck(opened);
    yield await auditCheck(store, opened.manifest, config);
    if (config.required !== undefined) yield requiredCheck(config, opened, isCi);
    if (opened.manifest.certs !== undefined && passphrase !== null)
      yield* attempt("tokens", checkTokens(store, config, passphrase));
  }
}

async function tryToOpen(
  store: ObjectStore,
  config: LocalConfig,
  passphrase: Secret,
): Promise<OpenedVault | VsyncError> {
  using holder = holderOf(passphrase, config);
  try {
    return await openVault({ store, clock: systemClock }, { holder, expect: knownVaultOf(config) });
  } catch (error) {
    if (error instanceof VsyncError) return error;
    throw error;
  }
}

function manifestCheck(manifest: Manifest | null, config: LocalConfig, isProven: boolean): Check {
  if (manifest === null) return warning("manifest", "nothing has been pushed yet", `vsync push ${vaultArgs(config)}`);
  const { gen, at, actor, action } = manifest;
  const said = `generation ${gen}, ${at} by ${actor.user} on ${actor.host} (${action})`;
  return isProven
    ? good("manifest", `${said}, proven by the passphrase`)
    : unproven("manifest", `${said}: unproven, anyone who can write to the store could have written this`);
}

/** Who can still open the vault, and until when. */
function accessCheck(manifest: Manifest, config: LocalConfig, stated: typeof good): Check {
  const slots = accessOf(manifest, systemClock.nowMs());
  const message = slots.map(describeAccess).join("; ");
  if (Buffer.compare(hintOf(manifest).recipient, config.recipient) !== 0) {
    const rotated = `the passphrase was rotated on ${manifest.rotated_at}, and this machine knows the one before`;
    return warning("access", `${message}; ${rotated}`, `vsync init ${vaultFlags(config)}, with the new passphrase`);
  }
  if (!slots.some(({ access }) => access === "read")) return stated("access", message);
  const finish = `vsync rotate-passphrase ${vaultFlags(config)} --finish, once all apps have the new one`;
  return warning("access", message, finish);
}

/** Whether the vault has the names that the project needs to start. */
function requiredCheck(config: LocalConfig, opened: OpenedVault, isCi: boolean): Check {
  const missing = missingNames(config, opened);
  if (missing.length === 0)
    return good("required", `the vault has all ${config.required?.length} names that the project file requires`);
  const message = `the vault lacks ${listed(missing)}`;
  const next = `vsync set ${vaultArgs(config)} ${missing[0]}`;
  return isCi ? bad("required", new InputError(message, { hint: next })) : warning("required", message, next);
}

function openedCheck({ manifest, unlocked }: OpenedVault): Check {
  const opens = `opens generation ${manifest.gen}`;
  if (unlocked.until === null) return good("passphrase", opens);
  return warning("passphrase", `${opens}, but only reads, until ${unlocked.until}`, "give the apps the new passphrase");
}

/** Checks the newest row or two; `vsync audit verify` checks all of them. */
async function auditCheck(store: ObjectStore, manifest: Manifest, config: LocalConfig): Promise<Check> {
  try {
    const { outstanding } = await verifyAudit(store, manifest, { downTo: manifest.prev_gen });
    if (outstanding === null) return good("audit", `the row of generation ${manifest.gen} matches the manifest`);
    const next = `vsync audit reconcile ${vaultArgs(config)}`;
    return warning("audit", `the row of generation ${outstanding} is missing`, next);
  } catch (error) {
    return badOrThrow("audit", error);
  }
}

/** Compares the scoped tokens of a vault with all of its audit rows, because somebody may have planted one. */
async function* checkTokens(store: ObjectStore, config: LocalConfig, passphrase: Secret): AsyncGenerator<Check, void> {
  using holder = holderOf(passphrase, config);
  const request = { holder, expect: knownVaultOf(config) };
  const found = await examineTokens({ store, clock: systemClock }, request);
  if (found === null) return;
  const live = `${counted(found.live, "live scoped token")}, none of them planted`;
  const message = `${live}; ${found.sealed} expired, and the newest generation still has keys for them`;
  yield found.sealed === 0
    ? good("tokens", live)
    : warning("tokens", message, `vsync tokens prune ${vaultArgs(config)}`);
}
