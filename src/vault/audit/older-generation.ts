import { InputError, WrongPassphraseError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { type AuditRow, auditRowOf } from "../format/audit-row.ts";
import type { Manifest } from "../format/manifest.ts";
import { BUNDLE_PREFIX } from "../format/object-keys.ts";
import { BundleMissingError, fetchBundle, type OpenedBundle, openBundle } from "../open/open-bundle.ts";
import { fetchManifest } from "../open/open-manifest.ts";
import type { KeyHolder } from "../unlock/key-holder.ts";
import { verifyAudit } from "./chain.ts";

/** Asks for the holder of an older passphrase; null if nobody gives one. The caller that made it disposes of it. */
export type OlderHolder = (gen: number) => Promise<KeyHolder | null>;

/** The holders to try on a generation whose passphrase may have changed since. */
export interface OlderHolders extends ReadOptions {
  readonly holder: KeyHolder;
  /** Called only if `holder` does not open the generation. */
  readonly olderHolder?: OlderHolder;
}

export interface GenerationRequest extends OlderHolders {
  readonly gen: number;
}

/**
 * Opens an older generation. Its audit row gives the bundle's key, size and digest, and the chain is verified from the
 * newest row down to it. `manifest` must have been opened with today's holder.
 *
 * @throws InputError the vault does not have this generation
 * @throws AuditBrokenError a row from today back to that generation is missing or wrong
 * @throws WrongPassphraseError no holder opens that generation
 * @throws BundleMissingError gc or somebody else removed the bundle
 * @throws BundleCorruptError the bundle is not what its row says
 */
export async function openGeneration(
  store: ObjectStore,
  manifest: Manifest,
  request: GenerationRequest,
): Promise<OpenedBundle> {
  const rows = await rowsDownTo(store, manifest, request);
  const { bundle } = rows.at(-1) ?? manifest;
  try {
    return await openBundleOf(store, { vault: manifest.vault, gen: request.gen, bundle }, request);
  } catch (error) {
    throw error instanceof BundleMissingError ? await namingTheRemoval(error, store, rows, manifest) : error;
  }
}

async function openWith(
  holder: KeyHolder,
  bytes: Uint8Array,
  place: { readonly vault: string; readonly gen: number },
): Promise<OpenedBundle> {
  const opened = await openBundle(bytes, place, (header) => holder.openOlderSlot(header));
  opened.keys[Symbol.dispose]();
  return opened;
}

async function rowsDownTo(
  store: ObjectStore,
  manifest: Manifest,
  request: GenerationRequest,
): Promise<readonly AuditRow[]> {
  const { gen } = request;
  if (!Number.isInteger(gen) || gen < 1 || gen > manifest.gen) {
    throw new InputError(`generation ${gen} does not exist: the vault has 1…${manifest.gen}`, {
      hint: `vsync history ${manifest.env} lists them`,
    });
  }
  const { rows } = await verifyAudit(store, manifest, { ...request, downTo: gen });
  // The newest row may not be written yet, but it follows from the manifest.
  return rows[0]?.gen === manifest.gen ? rows : [auditRowOf(manifest), ...rows];
}

/** If an audit row says who removed the bundle, the error names them and the oldest generation left. */
async function namingTheRemoval(
  missing: BundleMissingError,
  store: ObjectStore,
  rows: readonly AuditRow[],
  { gen }: Manifest,
): Promise<Error> {
  const row = rows.at(-1);
  const gc = rows.find(({ action, meta }) => {
    const removed = action === "gc" ? meta["removed"] : null;
    return Array.isArray(removed) && removed.includes(row?.bundle.key);
  });
  if (row === undefined) return missing;
  const hint = "`vsync history` shows which generations are kept; the bucket's object versions or a backup may have it";
  if (gc === undefined) {
    // Another machine may have run gc since we read the rows. Nobody has proven this manifest: it only words the
    // message.
    const now = (await fetchManifest(store).catch(() => null))?.manifest.gen ?? gen;
    if (now <= gen) return missing;
    const fault = `generation ${row.gen} was removed while it was being read: the vault moved on from generation ${gen} to ${now}`;
    return new BundleMissingError(fault, { hint });
  }
  const keys = new Set(await Array.fromAsync(store.list(BUNDLE_PREFIX)));
  const oldest = rows.findLast(({ bundle }) => keys.has(bundle.key));
  const left = oldest === undefined ? "" : `; the oldest you can restore is ${oldest.gen}`;
  return new BundleMissingError(`generation ${row.gen} was removed by gc on ${gc.at.slice(0, 10)}${left}`, {
    hint,
  });
}

/** A generation whose audit row the caller has already verified. */
export interface VerifiedPlace {
  readonly vault: string;
  readonly gen: number;
  readonly bundle: Manifest["bundle"];
}

/**
 * Like `openGeneration`, for callers that already have the generation's verified row.
 *
 * @throws WrongPassphraseError no holder opens it
 * @throws BundleCorruptError the bundle is gone, or not what its row says
 */
export async function openBundleOf(
  store: ObjectStore,
  { bundle, ...place }: VerifiedPlace,
  request: OlderHolders,
): Promise<OpenedBundle> {
  const { holder, olderHolder } = request;
  const bytes = await fetchBundle(store, bundle, request);
  try {
    return await openWith(holder, bytes, place);
  } catch (error) {
    const older = error instanceof WrongPassphraseError ? await olderHolder?.(place.gen) : null;
    if (older == null) throw error;
    return openWith(older, bytes, place);
  }
}
