import { sha256 } from "../../crypto/digest.ts";
import { Secret } from "../../crypto/secret.ts";
import { signingKeyOfSeed } from "../../crypto/signing.ts";
import { hkdf, withKey } from "../../crypto/subkeys.ts";
import { x25519PublicKey } from "../../crypto/x25519.ts";
import { idOfKeys, RECIPIENT_INFO, SIGNING_INFO } from "../../tokens/credential-form.ts";

/** What a reader needs of the keys that a credential derives. */
export interface ReadingKeys extends Disposable {
  /** `tok_` and 32 lower-case hex digits. */
  readonly id: string;
  /** X25519 private key, 32 bytes. */
  readonly privateKey: Secret;
  /** X25519 public key, 32 bytes. */
  readonly recipient: Uint8Array;
}

/**
 * As `deriveCredentialKeys` of src/tokens, which also runs in browsers: there, cryptography in JavaScript and through
 * WebCrypto takes as many instructions as all else that opening a vault of 50 secrets does.
 *
 * @param seed of the credential; stays the caller's
 */
export function deriveReadingKeys(seed: Secret): ReadingKeys {
  const privateKey = Secret.ofBytes(hkdf(seed.expose(), RECIPIENT_INFO));
  const recipient = x25519PublicKey(privateKey.expose());
  const signing = withKey(hkdf(seed.expose(), SIGNING_INFO), (key) => signingKeyOfSeed(key).publicKey);
  const id = idOfKeys(recipient, signing, sha256);
  return { id, privateKey, recipient, [Symbol.dispose]: () => privateKey.destroy() };
}
