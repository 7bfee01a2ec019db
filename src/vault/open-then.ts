import { Secret } from "../crypto/secret.ts";
import { WrongPassphraseError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import { openGeneration } from "./open-generation.ts";
import type { ObjectStore, ReadOptions } from "./ports.ts";

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
