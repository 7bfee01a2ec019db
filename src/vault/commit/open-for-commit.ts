import { encodeBase64 } from "../../crypto/base64.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { BundleCorruptError, InputError } from "../../errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { type OpenedVault, openWith } from "../open/open.ts";
import { destroyBundleKey, openSigningKey } from "../open/open-bundle.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";
import type { PassphraseKeys } from "../unlock/passphrase-holder.ts";

/** A vault that its holder may write. */
export interface WritableVault {
  readonly vault: OpenedVault;
  readonly signingKey: SigningKey;
}

/** What a commit is refused with inside a grace window, by the passphrase that was rotated away. */
export class ReadOnlyPassphraseError extends InputError {
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
  readonly readOnlyUntil: string;

  constructor(readOnlyUntil: string) {
    super(`this passphrase can only read until ${readOnlyUntil}: use the new one`, {
      hint: "give the passphrase that the last rotation set, as VSYNC_PASSPHRASE or at the prompt",
    });
    this.readOnlyUntil = readOnlyUntil;
  }
}

/**
 * Opens a vault and its signing key, as every commit does.
 *
 * @throws ReadOnlyPassphraseError the passphrase has a reader slot
 * @throws BundleCorruptError the bundle's signing key is not the manifest's signer
 * @throws what `openVault` throws
 */
export async function openForCommit(
  ports: ReadPorts,
  request: OpenRequest,
  keys: PassphraseKeys,
  onParsed?: (manifest: Manifest) => void,
): Promise<WritableVault> {
  const vault = await openWith(ports, request, keys, onParsed);
  try {
    return { vault, signingKey: signingKeyOf(vault) };
  } finally {
    destroyBundleKey(vault.bundle.key);
  }
}

function signingKeyOf({ bundle, manifest, unlocked }: OpenedVault): SigningKey {
  if (bundle.key.seals !== "O") throw new ReadOnlyPassphraseError(unlocked.entry.not_after ?? manifest.at);
  const signingKey = openSigningKey(bundle.header, bundle.key.operatorKey);
  if (encodeBase64(signingKey.publicKey) === manifest.signer) return signingKey;
  throw new BundleCorruptError("the bundle's signing key is not the manifest's signer", {
    hint: "look at who wrote this generation; put the one before back, from the bucket's object versions or a backup",
  });
}
