import type { RuntimeToken } from "../blob/token.ts";
import { decodeCheckedBase64 } from "../crypto/base64.ts";
import { Secret } from "../crypto/secret.ts";
import { ConfigInvalidError, InputError } from "../errors.ts";
import type { ObjectStore } from "../ports.ts";
import type { Expectation } from "../vault/open/expectation.ts";
import { CredentialHolder } from "../vault/unlock/credential-holder.ts";
import type { KeyHolder } from "../vault/unlock/key-holder.ts";
import { type PassphraseHint, PassphraseHolder } from "../vault/unlock/passphrase-holder.ts";
import type { Credentials, StoreLocation } from "./location.ts";
import { type OpenStore, openStore } from "./open-store.ts";

/** The vault that a runtime token names: what to hold it to, and how to open its store. */
export interface TokenVault {
  readonly expect: Expectation;
  /** The cost that the vault's passphrase had when the token was minted; undefined where the token does not say. */
  readonly hint: PassphraseHint | undefined;
  /** @throws ConfigInvalidError no store can be at the token's location */
  readonly openStore: () => Promise<ObjectStore>;
}

export function vaultOf(token: RuntimeToken, open: OpenStore = openStore): TokenVault {
  return { expect: expectationOf(token), hint: hintOf(token), openStore: () => openNamed(token, open) };
}

/** The secrets beside a runtime token: `VSYNC_TOKEN`, undefined where it is not set, and the passphrase. */
export interface TokenSecrets {
  readonly credential: Secret | undefined;
  readonly passphrase: Secret;
}

/**
 * What opens the vault that a runtime token names. A credential apart wins over the one in the token, and where there is one
 * nobody reads the passphrase.
 *
 * @throws ConfigMissingError the credential is set and empty
 * @throws ConfigInvalidError it is none, or the token pins no anchor
 */
export function holderOf(token: RuntimeToken, { credential, passphrase }: TokenSecrets): KeyHolder {
  const own = credential ?? (token.token === undefined ? undefined : Secret.ofText(token.token));
  return own === undefined ? new PassphraseHolder(passphrase, hintOf(token)) : new CredentialHolder(own, token.anchor);
}

async function openNamed(token: RuntimeToken, open: OpenStore): Promise<ObjectStore> {
  try {
    return await open(locationOf(token));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ConfigInvalidError(`invalid VSYNC_CONFIG: ${error.message}`, {
      hint: "mint a new one with `vsync runtime-token`",
    });
  }
}

function locationOf(token: RuntimeToken): StoreLocation {
  const { endpoint, region, bucket, prefix } = token;
  return { endpoint, region, bucket, prefix, credentials: credentialsOf(token) };
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: RuntimeToken): Credentials {
  if (accessKeyId === undefined || secretAccessKey === undefined) return "ambient";
  const key = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: Secret.ofText(sessionToken) };
}

function expectationOf(token: RuntimeToken): Expectation {
  return {
    env: token.env,
    ...(token.vault === undefined ? {} : { vault: token.vault }),
    ...(token.minGen === undefined ? {} : { minGen: token.minGen }),
  };
}

/** Tokens of other writers may give only part of the cost, which does not make a hint; that is not an error. */
function hintOf({ salt, iterations, memoryKiB, parallelism }: RuntimeToken): PassphraseHint | undefined {
  if (memoryKiB === undefined || parallelism === undefined) return undefined;
  return { cost: { salt: decodeCheckedBase64(salt), iterations, memoryKiB, parallelism } };
}
