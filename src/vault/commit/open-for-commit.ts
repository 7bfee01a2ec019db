import { encodeBase64 } from "../../crypto/base64.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { BundleCorruptError, UnsupportedSpecVersionError } from "../../errors.ts";
import { type OpenedVault, openWithKeys } from "../open/open.ts";
import { type OpenedBundle, openSigningKey } from "../open/open-bundle.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";
import { requireKnownKinds } from "../unlock/entries.ts";
import type { BundleKeys } from "../unlock/key-holder.ts";

/** A vault that its holder may write. Disposing of it zeroes its values. */
export interface WritableVault extends Disposable {
  readonly vault: OpenedVault;
  readonly signingKey: SigningKey;
}

/**
 * Opens a vault and its signing key, and checks that this version can seal to every holder of the vault.
 *
 * @throws UnsupportedSpecVersionError an entry of a kind that this version does not know, or scoped tokens
 * @throws what `openSigner` throws
 */
export async function openForCommit(ports: ReadPorts, request: OpenRequest): Promise<WritableVault> {
  const writable = await openSigner(ports, request);
  try {
    requireKnownKinds(writable.vault.manifest);
    requireNoTokens(writable.vault);
    return writable;
  } catch (error) {
    writable[Symbol.dispose]();
    throw error;
  }
}

/** This version reads a vault that has scoped tokens, but cannot seal to them. */
function requireNoTokens({ manifest: { certs }, bundle: { header } }: OpenedVault): void {
  if (certs === undefined && header.views === undefined && header.boxes === undefined) return;
  throw new UnsupportedSpecVersionError("the vault has scoped tokens, which this version cannot carry over", {
    hint: "upgrade vsync before writing this vault: this version would shut their holders out",
  });
}

/**
 * Opens a vault and its signing key, for callers that neither sign nor seal.
 *
 * @throws InputError the holder only reads
 * @throws BundleCorruptError the bundle's signing key is not the manifest's signer
 * @throws what `openVault` throws
 */
export async function openSigner(ports: ReadPorts, request: OpenRequest): Promise<WritableVault> {
  const vault = await openWithKeys(ports, request);
  using keys = vault.bundle.keys;
  const signingKey = signingKeyOf(vault, keys);
  return { vault, signingKey, [Symbol.dispose]: () => forgetBundle(vault.bundle) };
}

function signingKeyOf({ bundle, manifest, unlocked }: OpenedVault, { operatorKey }: BundleKeys): SigningKey {
  unlocked.requireWriter();
  if (operatorKey === null) throw new BundleCorruptError("the bundle gives its writer no key to sign with");
  const signingKey = openSigningKey(bundle.header, operatorKey);
  if (encodeBase64(signingKey.publicKey) === manifest.signer) return signingKey;
  throw new BundleCorruptError("the bundle's signing key is not the manifest's signer", {
    hint: "look at who wrote this generation; put the one before back, from the bucket's object versions or a backup",
  });
}

/**
 * Zeroes the values and frees their memory at once instead of waiting for the garbage collector: a vault may be 64 MiB.
 * Bytes that share a buffer with others keep it.
 */
export function forgetBundle({ items, bytes }: Pick<OpenedBundle, "items" | "bytes">): void {
  // Already freed: filling a detached buffer would throw.
  if (bytes.length === 0) return;
  for (const { data } of items) data.destroy();
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
