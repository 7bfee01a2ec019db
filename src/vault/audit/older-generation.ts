import { Secret } from "../../crypto/secret.ts";
import { SlotNotOursError } from "../../crypto/slot.ts";
import { InputError, WrongPassphraseError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { type BundleSlot, parseBundle, refuseBundle, slotOf } from "../format/bundle-header.ts";
import { kdfCostOf, parseKdf } from "../format/kdf-field.ts";
import type { Manifest } from "../format/manifest.ts";
import { destroyBundleKey, fetchBundle, type OpenedBundle, openBundle, type SlotKey } from "../open/open-bundle.ts";
import { PassphraseKeys } from "../unlock/passphrase-holder.ts";
import { verifyAudit } from "./chain.ts";

export interface GenerationRequest extends ReadOptions {
  readonly gen: number;
  /** The passphrase of that time. */
  readonly passphraseThen: Secret;
}

/**
 * Opens an older generation. Its bundle's key, size and digest come from its audit row, and the chain is verified from
 * the newest row down to it; `manifest` has been opened with today's passphrase.
 *
 * @throws InputError there is no such generation
 * @throws AuditBrokenError the chain between today and then
 * @throws WrongPassphraseError the passphrase opens no slot of that bundle
 * @throws BundleCorruptError the bundle is gone, or not what its row says
 */
export async function openGeneration(
  store: ObjectStore,
  manifest: Manifest,
  request: GenerationRequest,
): Promise<OpenedBundle> {
  const ref = await bundleRefOf(store, manifest, request);
  const bytes = await fetchBundle(store, ref, request);
  const keys = new PassphraseKeys(request.passphraseThen);
  try {
    const { header } = parseBundle(bytes, manifest.vault, request.gen);
    for (const { id } of header.slots.filter((slot) => slot["kdf"] !== undefined)) {
      const by = await slotKeyOf(slotOf(header, id), keys);
      const opened = await tryOpen(bytes, manifest.vault, request.gen, by);
      if (opened === null) continue;
      destroyBundleKey(opened.key);
      return opened;
    }
  } finally {
    keys.destroy();
  }
  throw new WrongPassphraseError(`the passphrase opens no slot of generation ${request.gen}`, {
    hint: "give the passphrase that was in use then, with --then-passphrase-file or at the prompt",
  });
}

async function bundleRefOf(
  store: ObjectStore,
  manifest: Manifest,
  request: GenerationRequest,
): Promise<Manifest["bundle"]> {
  const { gen } = request;
  if (!Number.isInteger(gen) || gen < 1 || gen > manifest.gen) {
    throw new InputError(`there is no generation ${gen}: the vault has 1…${manifest.gen}`, {
      hint: "`vsync history` lists them",
    });
  }
  const { rows } = await verifyAudit(store, manifest, { ...request, downTo: gen });
  const row = rows.at(-1);
  return row?.gen === gen ? row.bundle : manifest.bundle;
}

async function slotKeyOf(slot: BundleSlot, keys: PassphraseKeys): Promise<SlotKey> {
  const kdf = parseKdf(slot.kdf, `slot ${slot.id} of the bundle`, refuseBundle);
  const key = await keys.of(kdfCostOf(kdf));
  return { slot: slot.id, seed: key.seed, seals: slot.seals };
}

/** Null where the slot is not this passphrase's: an old bundle says nothing of its recipients. */
async function tryOpen(bytes: Uint8Array, vault: string, gen: number, by: SlotKey): Promise<OpenedBundle | null> {
  try {
    return await openBundle(bytes, vault, gen, by);
  } catch (error) {
    if (error instanceof SlotNotOursError) return null;
    throw error;
  }
}

/** The passphrase of an older generation; or who gives it, asked only where today's passphrase is not that one. */
export type PassphraseThen = Secret | ((gen: number) => Promise<Secret | null>);

export interface ThenRequest extends ReadOptions {
  readonly gen: number;
  /** Today's. */
  readonly passphrase: Secret;
  readonly passphraseThen: PassphraseThen;
}

/**
 * As `openGeneration`, where it is not known yet whether the passphrase has changed since.
 *
 * @throws what `openGeneration` throws
 */
export async function openThen(store: ObjectStore, manifest: Manifest, request: ThenRequest): Promise<OpenedBundle> {
  const { passphrase, passphraseThen, ...rest } = request;
  if (passphraseThen instanceof Secret) return openGeneration(store, manifest, { ...rest, passphraseThen });
  try {
    return await openGeneration(store, manifest, { ...rest, passphraseThen: passphrase });
  } catch (error) {
    const given = error instanceof WrongPassphraseError ? await passphraseThen(request.gen) : null;
    if (given === null) throw error;
    return openGeneration(store, manifest, { ...rest, passphraseThen: given });
  }
}
