import { InputError, WrongPassphraseError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import type { Manifest } from "../format/manifest.ts";
import { fetchBundle, type OpenedBundle, openBundle } from "../open/open-bundle.ts";
import type { KeyHolder } from "../unlock/key-holder.ts";
import { verifyAudit } from "./chain.ts";

export interface GenerationRequest extends ReadOptions {
  readonly gen: number;
  /** The holder of that time. */
  readonly holder: KeyHolder;
}

/**
 * Opens an older generation. Its bundle's key, size and digest come from its audit row, and the chain is verified from
 * the newest row down to it; `manifest` has been opened with today's holder.
 *
 * @throws InputError the vault does not have this generation
 * @throws AuditBrokenError the chain between today and then
 * @throws WrongPassphraseError the holder does not open that generation
 * @throws BundleCorruptError the bundle is gone, or not what its row says
 */
export async function openGeneration(
  store: ObjectStore,
  manifest: Manifest,
  request: GenerationRequest,
): Promise<OpenedBundle> {
  const { gen, holder } = request;
  const bundle = await bundleRefOf(store, manifest, request);
  return openWith(holder, await fetchBundle(store, bundle, request), { vault: manifest.vault, gen });
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

/** A holder of an older passphrase, or a function that asks for one. Its maker disposes of it. */
export type OlderHolder = KeyHolder | ((gen: number) => Promise<KeyHolder | null>);

export interface AtGenerationRequest extends GenerationRequest, OlderHolders {}

/** Who may open a generation whose passphrase may have changed since. */
export interface OlderHolders extends ReadOptions {
  readonly holder: KeyHolder;
  /** Used only if today's `holder` does not open the generation. */
  readonly olderHolder: OlderHolder;
}

/**
 * Like `openGeneration`, for callers that do not know whether the passphrase has changed since.
 *
 * @throws what `openGeneration` throws
 */
export async function openAtGeneration(
  store: ObjectStore,
  manifest: Manifest,
  request: AtGenerationRequest,
): Promise<OpenedBundle> {
  const { gen, olderHolder } = request;
  if (typeof olderHolder !== "function") return openGeneration(store, manifest, { ...request, holder: olderHolder });
  const bundle = await bundleRefOf(store, manifest, request);
  return openBundleOf(store, { vault: manifest.vault, gen, bundle }, request);
}

/** A generation whose audit row the caller has verified. */
export interface VerifiedPlace {
  readonly vault: string;
  readonly gen: number;
  readonly bundle: Manifest["bundle"];
}

/**
 * As `openAtGeneration`, for callers that have the generation's row.
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
  if (typeof olderHolder !== "function") return openWith(olderHolder, bytes, place);
  try {
    return await openWith(holder, bytes, place);
  } catch (error) {
    const older = error instanceof WrongPassphraseError ? await olderHolder(place.gen) : null;
    if (older === null) throw error;
    return openWith(older, bytes, place);
  }
}
