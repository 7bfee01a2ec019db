import type { RuntimeToken } from "../blob/token.ts";
import { decodeCheckedBase64 } from "../crypto/base64.ts";
import { Secret } from "../crypto/secret.ts";
import { ConfigInvalidError, InputError } from "../errors.ts";
import type { ObjectStore } from "../ports.ts";
import type { Expectation } from "../vault/open/expectation.ts";
import type { OpenRequest, ReadPorts } from "../vault/open/open-manifest.ts";
import type { KeyHolder } from "../vault/unlock/key-holder.ts";
import type { AskAgain, PassphraseHint } from "../vault/unlock/passphrase-holder.ts";
import { type Credentials, type StoreLocation, termsOf } from "./location.ts";
import { type OpenStore, openStore, systemClock } from "./open-store.ts";

/** The secret that opens a token's vault. */
export interface Opening {
  readonly kind: "credential" | "passphrase";
  readonly secret: Secret;
  /** For a passphrase that a person types. */
  readonly askAgain?: AskAgain;
}

/**
 * The credential that opens a token's vault, or null for a passphrase. A separate credential takes precedence over the
 * token's own.
 */
export function credentialOf({ token }: RuntimeToken, apart: Secret | null): Opening | null {
  if (apart !== null) return { kind: "credential", secret: apart };
  return token === undefined ? null : { kind: "credential", secret: Secret.ofText(token) };
}

/**
 * Makes the holder that opens a runtime token's vault. The caller disposes of it.
 *
 * @throws ConfigMissingError the credential is empty
 * @throws ConfigInvalidError the text is not a credential, or the token pins no anchor
 */
export async function holderOf(token: RuntimeToken, { kind, secret, askAgain }: Opening): Promise<KeyHolder> {
  // Each is loaded only when needed, because one opening uses the cryptography of only one.
  if (kind === "passphrase") {
    const { PassphraseHolder } = await import("../vault/unlock/passphrase-holder.ts");
    return new PassphraseHolder(secret, passphraseHintOf(token), askAgain);
  }
  const { CredentialHolder } = await import("../vault/unlock/credential-holder.ts");
  return new CredentialHolder(secret, token.anchor);
}

/** What a reader of the vault needs that a runtime token names. Its end zeroes the holder's keys. */
export interface ReachedVault extends Disposable {
  readonly ports: ReadPorts;
  readonly request: OpenRequest;
}

/** @throws what `holderOf` and `storeOf` throw */
export async function reachVault(token: RuntimeToken, opening: Opening, open?: OpenStore): Promise<ReachedVault> {
  const holder = await holderOf(token, opening);
  try {
    // Start the key derivation now, on another thread: loading the store's code takes time, with ambient credentials a
    // lot.
    holder.prepare();
    const store = await storeOf(token, open, await holder.agent?.());
    const request = { holder, expect: expectationOf(token) };
    return { ports: { store, clock: systemClock }, request, [Symbol.dispose]: () => holder[Symbol.dispose]() };
  } catch (error) {
    holder[Symbol.dispose]();
    throw error;
  }
}

/**
 * Opens the store that a runtime token names.
 *
 * @param agent the holder's public name, for the bucket's access log
 * @throws ConfigInvalidError the token's location is not valid
 */
export async function storeOf(token: RuntimeToken, open: OpenStore = openStore, agent?: string): Promise<ObjectStore> {
  try {
    return await open(locationOf(token), agent === undefined ? {} : { userAgent: `vsync ${agent}` });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ConfigInvalidError(`invalid VSYNC_CONFIG: ${error.message}`, {
      hint: "mint a new one with `vsync runtime-token`",
    });
  }
}

function locationOf(token: RuntimeToken): StoreLocation {
  const { endpoint, region, bucket, prefix } = token;
  return { endpoint, region, bucket, prefix, credentials: keysOf(token), ...termsOf(token) };
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: RuntimeToken): Credentials {
  if (accessKeyId === undefined || secretAccessKey === undefined) return "ambient";
  const key = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: Secret.ofText(sessionToken) };
}

/** What a runtime token requires of its vault. */
export function expectationOf(token: RuntimeToken): Expectation {
  return {
    env: token.env,
    ...(token.vault === undefined ? {} : { vault: token.vault }),
    ...(token.minGen === undefined ? {} : { minGen: token.minGen }),
  };
}

/**
 * The passphrase's cost when the token was minted. Tokens by other writers may give only a part of it, which is not an
 * error.
 */
export function passphraseHintOf({
  salt,
  iterations,
  memoryKiB,
  parallelism,
}: RuntimeToken): PassphraseHint | undefined {
  if (memoryKiB === undefined || parallelism === undefined) return undefined;
  return { cost: { salt: decodeCheckedBase64(salt), iterations, memoryKiB, parallelism } };
}
