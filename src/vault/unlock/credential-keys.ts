import { sha256 } from "../../crypto/digest.ts";
import { Secret } from "../../crypto/secret.ts";
import { signingKeyOfSeed } from "../../crypto/signing.ts";
import { hkdf, withKey } from "../../crypto/subkeys.ts";
import { x25519PublicKey } from "../../crypto/x25519.ts";
import { idOfKeys, RECIPIENT_INFO, SIGNING_INFO } from "../../tokens/credential-form.ts";

/** The keys that a reader derives from a credential. */
export interface ReadingKeys extends Disposable {
  /** `tok_` and 32 lower-case hex digits. */
  readonly id: string;
  /** X25519 private key, 32 bytes. */
  readonly privateKey: Secret;
  /** X25519 public key, 32 bytes. */
  readonly recipient: Uint8Array;
}

/**
 * Derives the same keys as `deriveCredentialKeys` of src/tokens, with Node's own cryptography. That one also runs in
 * browsers, and on a vault of 50 secrets its JavaScript and WebCrypto take as many instructions as everything else.
 *
 * @param seed the credential's 32 bytes; the caller still owns them
 */
export function deriveReadingKeys(seed: Secret): ReadingKeys {
  const privateKey = Secret.ofBytes(hkdf(seed.expose(), RECIPIENT_INFO));
  const recipient = x25519PublicKey(privateKey.expose());
  const signing = withKey(hkdf(seed.expose(), SIGNING_INFO), (key) => signingKeyOfSeed(key).publicKey);
  const id = idOfKeys(recipient, signing, sha256);
  return { id, privateKey, recipient, [Symbol.dispose]: () => privateKey.destroy() };
}
