import type { KdfCost } from "../crypto/argon2id.ts";
import { decodeCheckedBase64, encodeBase64Url } from "../crypto/base64.ts";
import { derivePassphraseKey, destroyPassphraseKey } from "../crypto/kdf.ts";
import type { Secret } from "../crypto/secret.ts";
import type { Random } from "../ports.ts";
import { kdfCostOf } from "./format/kdf-field.ts";
import type { Manifest, PassphraseEntry } from "./format/manifest.ts";
import { openManifest, type ReadPorts } from "./open/open-manifest.ts";
import { freshCost, PassphraseKeys } from "./unlock/passphrase-holder.ts";

const VAULT_ID_BYTES = 16;

/** What a machine keeps of a passphrase: enough to derive its key early and to recognise a wrong one. */
export interface PassphraseHint {
  readonly cost: KdfCost;
  /** X25519 public key, 32 bytes. */
  readonly recipient: Uint8Array;
}

/** What this machine's config says of the vault; all that the first push needs. */
export interface VaultIdentity extends PassphraseHint {
  readonly vault: string;
  readonly repo: string;
  readonly env: string;
  /** 0 where this machine has never seen the vault. */
  readonly seenGen: number;
}

/** A vault that has no generation yet: its id, and what its passphrase derives with a fresh salt. */
export async function createIdentity(
  random: Random,
  passphrase: Secret,
): Promise<PassphraseHint & { readonly vault: string }> {
  const cost = freshCost(random);
  const key = await derivePassphraseKey(passphrase, cost);
  destroyPassphraseKey(key);
  return { vault: encodeBase64Url(random.bytes(VAULT_ID_BYTES)), cost, recipient: key.recipient };
}

export interface JoinedVault {
  readonly manifest: Manifest;
  readonly hint: PassphraseHint;
}

/**
 * Proves a passphrase against the manifest that is there, for a machine that knows nothing of the vault yet.
 *
 * @throws what `openManifest` throws
 */
export async function joinVault(ports: ReadPorts, passphrase: Secret, env: string): Promise<JoinedVault> {
  const keys = new PassphraseKeys(passphrase);
  try {
    const { manifest, unlocked } = await openManifest(ports, { passphrase, expect: { env } }, keys);
    return { manifest, hint: hintOf(unlocked.entry) };
  } finally {
    keys.destroy();
  }
}

/** What to remember of a slot. */
export function hintOf(entry: PassphraseEntry): PassphraseHint {
  return { cost: kdfCostOf(entry.kdf), recipient: decodeCheckedBase64(entry.recipient) };
}
