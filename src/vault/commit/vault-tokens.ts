import type { Secret } from "../../crypto/secret.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { BundleCorruptError, UnsupportedSpecVersionError } from "../../errors.ts";
import { unknownInClaims } from "../../tokens/claims.ts";
import { readSettings } from "../../tokens/grants/settings.ts";
import { nameOf } from "../format/tokens/anchors.ts";
import type { GatewaySigners } from "../format/tokens/gateway-box.ts";
import { EMPTY_ROLL, liveIn, type Roll } from "../format/tokens/roll.ts";
import { tokenSlotIds } from "../format/tokens/slot.ts";
import { hasOwnKeys } from "../format/tokens/verify-list.ts";
import type { OpenedVault } from "../open/open.ts";
import { openAnchors, openGatewaySigners, openRoll, requireKnownBoxes } from "../open/open-boxes.ts";

/** What an operator knows of a vault's scoped tokens, carried from commit to commit. */
export interface VaultTokens {
  readonly roll: Roll;
  /**
   * Each certifies the signer of every generation; the last one is the vault's current anchor. Empty before the first
   * token.
   */
  readonly anchors: readonly SigningKey[];
  /** The private halves of the roll's gateway keys. */
  readonly gatewaySigners: GatewaySigners;
}

/** The tokens of a vault that never had one. */
export const NO_TOKENS: VaultTokens = { roll: EMPTY_ROLL, anchors: [], gatewaySigners: new Map() };

/** Faults that a commit is about to mend; they do not stop it. */
export interface Mending {
  /** Whether the commit revokes the token with this id. */
  readonly revoking?: (id: string, roll: Roll) => boolean;
  readonly newSettings?: boolean;
  /** The commit moves the vault, or resumes an interrupted move. */
  readonly moving?: boolean;
  /** The commit draws a new anchor. */
  readonly leaked?: boolean;
}

/**
 * Opens the roll and the anchors, and checks that records, slots, anchors and certs belong together. Somebody who once
 * knew a passphrase may have planted one that does not; without this check the next commit would carry it on as if an
 * operator had made it.
 *
 * @throws BundleCorruptError a box does not open, or something does not belong; the message names the token
 * @throws UnsupportedSpecVersionError a box, grant, permission, capability or setting that this version does not know
 */
export function openTokens(vault: OpenedVault, operatorKey: Secret, mending: Mending = {}): VaultTokens {
  const { header } = vault.bundle;
  requireKnownBoxes(header);
  const roll = openRoll(header, operatorKey);
  requireSound(roll, vault, mending);
  const gatewaySigners = openGatewaySigners(header, operatorKey);
  requireOwnHalves(roll, gatewaySigners);
  const anchors = ownAnchors(vault, operatorKey, mending);
  if (anchors.length > 0 || mending.leaked || liveIn(roll, Date.parse(vault.manifest.at)).length === 0)
    return { roll, anchors, gatewaySigners };
  throw otherAnchors();
}

function requireSound(roll: Roll, { manifest, bundle }: OpenedVault, mending: Mending): void {
  const isRevoked = (id: string) => mending.revoking?.(id, roll) ?? false;
  const live = liveIn(roll, Date.parse(manifest.at));
  for (const { claims, ...keys } of live.filter((record) => !isRevoked(record.claims.id))) {
    if (!hasOwnKeys(claims.id, keys)) throw planted(claims.id, "has keys that do not match its id");
    const unknown = unknownInClaims(claims);
    if (unknown !== null)
      throw tooNew(`the token ${claims.id} has something that this version does not know: ${unknown}`);
  }
  const { settings } = roll;
  if (settings !== undefined && mending.newSettings !== true && readSettings(settings) === null) {
    throw tooNew("the vault has a setting that this version does not know");
  }
  const slots = tokenSlotIds(bundle.header);
  const expected = new Set(live.map(({ claims }) => claims.id));
  const odd = [...slots, ...expected].find((id) => slots.has(id) !== expected.has(id) && !isRevoked(id));
  if (odd === undefined) return;
  throw planted(odd, slots.has(odd) ? "has a slot, but the roll does not list it as live" : "is live but has no slot");
}

/**
 * @throws BundleCorruptError a private half whose key is not in the roll
 */
function requireOwnHalves({ gateway_keys = [] }: Roll, signers: GatewaySigners): void {
  for (const [kid, signer] of signers) {
    if (gateway_keys.some((key) => key.kid === kid && key.public === nameOf(signer))) continue;
    throw new BundleCorruptError(`the private half of the gateway key ${kid} matches no key in the roll`, {
      hint: "find out who wrote this generation, and restore an older manifest from the store's object versions",
    });
  }
}

function planted(id: string, fault: string): BundleCorruptError {
  return new BundleCorruptError(`the token ${id} ${fault}`, {
    hint: `find out who wrote this generation; \`vsync tokens revoke ${id}\` ends the token and lets commits go on`,
  });
}

function tooNew(fault: string): UnsupportedSpecVersionError {
  return new UnsupportedSpecVersionError(fault, {
    hint: "upgrade vsync before writing this vault: this version would give the token less, or drop the setting",
  });
}

function ownAnchors(
  { manifest, bundle }: OpenedVault,
  operatorKey: Secret,
  { leaked = false }: Mending,
): readonly SigningKey[] {
  const certified = new Set(manifest.certs?.map(({ anchor }) => anchor) ?? []);
  if (leaked) return soundAnchors(bundle.header, operatorKey).filter((anchor) => certified.has(nameOf(anchor)));
  const anchors = openAnchors(bundle.header, operatorKey);
  if (anchors.length === certified.size && anchors.every((anchor) => certified.has(nameOf(anchor)))) return anchors;
  throw otherAnchors();
}

function otherAnchors(): BundleCorruptError {
  return new BundleCorruptError("the vault's anchors do not match the manifest's certs", {
    hint: "find out who wrote this generation; `vsync rotate-passphrase --leaked` draws a new anchor",
  });
}

/** If the box is unsound, nothing in it is kept, because a new anchor is drawn anyway. */
function soundAnchors(header: OpenedVault["bundle"]["header"], operatorKey: Secret): readonly SigningKey[] {
  try {
    return openAnchors(header, operatorKey);
  } catch (error) {
    if (error instanceof BundleCorruptError) return [];
    throw error;
  }
}
