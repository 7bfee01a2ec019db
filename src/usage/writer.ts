import { encodeBase64 } from "../crypto/base64.ts";
import { signEd25519, signingKeyOfSeed } from "../crypto/signing.ts";
import { type Credential, deriveCredentialKeys } from "../tokens/credential.ts";
import type { BatchWriter } from "./batch.ts";

/** Writes batches and signs statements in a token's name. The caller may destroy the credential afterwards. */
export async function batchWriterOf(vault: string, credential: Credential): Promise<BatchWriter> {
  using keys = await deriveCredentialKeys(credential);
  const signingKey = signingKeyOfSeed(keys.signingKey.expose());
  return {
    vault,
    id: keys.id,
    recipient: encodeBase64(keys.recipient),
    signing: encodeBase64(keys.signing),
    sign: (message) => signEd25519(signingKey, message),
  };
}
