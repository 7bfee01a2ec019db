import { encodeBase64 } from "../../crypto/base64.ts";
import type { Secret } from "../../crypto/secret.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { BundleCorruptError } from "../../errors.ts";
import { free } from "../../memory.ts";
import { requireUnmoved } from "../format/moved.ts";
import type { Roll } from "../format/tokens/roll.ts";
import { type OpenedVault, openWithKeys } from "../open/open.ts";
import { openRoll } from "../open/open-boxes.ts";
import { type OpenedBundle, openSigningKey } from "../open/open-bundle.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";
import type { BundleKeys } from "../unlock/bundle-keys.ts";
import { requireKnownKinds } from "../unlock/entries.ts";
import { type Mending, openTokens, type VaultTokens } from "./vault-tokens.ts";

/** A vault opened by a holder who may write. Disposing of it zeroes its values. */
export interface WritableVault extends SignedVault {
  readonly tokens: VaultTokens;
}

/** A vault and the key that signs it. */
export interface SignedVault extends Disposable {
  readonly vault: OpenedVault;
  readonly signingKey: SigningKey;
}

/**
 * Opens a vault, its signing key and its roll, and checks that this version can seal to every holder of the vault.
 *
 * @throws UnsupportedSpecVersionError an unlock entry of a kind that this version does not know
 * @throws VaultMovedError the vault has moved to another place
 * @throws what `openSigner` and `openTokens` throw
 */
export async function openForCommit(
  ports: ReadPorts,
  request: OpenRequest & { readonly mending?: Mending },
): Promise<WritableVault> {
  return openSigned(ports, request, (vault, operatorKey) => {
    requireKnownKinds(vault.manifest);
    if (!request.mending?.moving) requireUnmoved(vault.manifest);
    return { tokens: openTokens(vault, operatorKey, request.mending) };
  });
}

/**
 * Opens a vault and its roll, for callers that only inspect it: roll, slots and certs are not checked against each
 * other.
 *
 * @throws BundleCorruptError the roll does not open or has the wrong form
 * @throws what `openSigner` throws
 */
export async function openWithRoll(ports: ReadPorts, request: OpenRequest): Promise<SignedVault & { roll: Roll }> {
  return openSigned(ports, request, ({ bundle }, operatorKey) => ({ roll: openRoll(bundle.header, operatorKey) }));
}

/**
 * Opens a vault and its signing key, for callers that neither sign nor seal.
 *
 * @throws InputError the holder only reads
 * @throws BundleCorruptError the bundle's signing key is not the manifest's signer
 * @throws what `openVault` throws
 */
export async function openSigner(ports: ReadPorts, request: OpenRequest): Promise<SignedVault> {
  return openSigned(ports, request, () => ({}));
}

async function openSigned<More>(
  ports: ReadPorts,
  request: OpenRequest,
  readMore: (vault: OpenedVault, operatorKey: Secret) => More,
): Promise<SignedVault & More> {
  const vault = await openWithKeys(ports, request);
  using keys = vault.bundle.keys;
  try {
    const operatorKey = operatorKeyOf(vault, keys);
    const signingKey = signingKeyOf(vault, operatorKey);
    return { vault, signingKey, ...readMore(vault, operatorKey), [Symbol.dispose]: () => forgetBundle(vault.bundle) };
  } catch (error) {
    forgetBundle(vault.bundle);
    throw error;
  }
}

function operatorKeyOf({ unlocked }: OpenedVault, { operatorKey }: BundleKeys): Secret {
  unlocked.requireWriter();
  if (operatorKey === null) throw new BundleCorruptError("the bundle gives its writer no key to sign with");
  return operatorKey;
}

function signingKeyOf({ bundle, manifest }: OpenedVault, operatorKey: Secret): SigningKey {
  const signingKey = openSigningKey(bundle.header, operatorKey);
  if (encodeBase64(signingKey.publicKey) === manifest.signer) return signingKey;
  throw new BundleCorruptError("the bundle's signing key is not the manifest's signer", {
    hint: "find out who wrote this generation, and restore the one before from the bucket's object versions or a backup",
  });
}

/** Zeroes the values and frees their memory. */
export function forgetBundle({ items, bytes }: Pick<OpenedBundle, "items" | "bytes">): void {
  // Already freed: filling a detached buffer would throw.
  if (bytes.length === 0) return;
  for (const { data } of items) data.destroy();
  free(bytes);
}
