import { encodeBase64 } from "../../../src/crypto/base64.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import type { VerifiableToken, VerifySnapshot } from "../../../src/tokens/access/verify.ts";
import { credentialOf, deriveCredentialKeys, encodeCredential } from "../../../src/tokens/credential.ts";

export const VAULT = "iXBYsr5RmAdq5K8k_OhmxQ";
export const NOW_MS = Date.parse("2026-11-30T09:00:00.000Z");

/** A scoped token as its holder and the vault know it. */
export interface TokenHere {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly stored: VerifiableToken;
}

/**
 * @param seed the value of each of its 32 bytes
 */
export async function tokenHere(seed: number, limits: Partial<VerifiableToken> = {}): Promise<TokenHere> {
  using credential = credentialOf("live", Secret.ofBytes(new Uint8Array(32).fill(seed)));
  using keys = await deriveCredentialKeys(credential);
  const [recipient, signing] = [encodeBase64(keys.recipient), encodeBase64(keys.signing)];
  return {
    clientId: `${keys.id}@${VAULT}`,
    clientSecret: encodeCredential(credential).exposeText(),
    stored: { id: keys.id, kind: "live", recipient, signing, capabilities: [], ...limits },
  };
}

export function snapshotOf(tokens: readonly TokenHere[], change: Partial<VerifySnapshot> = {}): VerifySnapshot {
  return { vault: VAULT, gen: 1, verify: { tokens: tokens.map(({ stored }) => stored) }, ended: [], ...change };
}
