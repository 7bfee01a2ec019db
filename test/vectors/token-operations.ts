import { Secret } from "../../src/crypto/secret.ts";
import { checkClaims } from "../../src/tokens/claims.ts";
import {
  credentialOf,
  deriveCredentialKeys,
  encodeCredential,
  lastFourOf,
  parseCredential,
  type TokenKind,
} from "../../src/tokens/credential.ts";
import { parseGrants } from "../../src/tokens/grants/grant.ts";
import { routeAllowed } from "../../src/tokens/routes.ts";
import { bytesOf, inFormOf } from "./bytes.ts";
import type { Run, VectorBytes } from "./vector.ts";

type Expected = Readonly<Record<string, unknown>> | undefined;

export const TOKEN_OPERATIONS = {
  async decodeCredential({ input }: Run<{ credential: string }>) {
    using credential = parseCredential(input.credential);
    using keys = await deriveCredentialKeys(credential);
    return { kind: credential.kind, id: keys.id, lastFour: lastFourOf(credential) };
  },

  async encodeCredential({ input }: Run<{ kind: TokenKind; seed: VectorBytes }>) {
    return { credential: encodeCredential(credentialOf(input.kind, Secret.ofBytes(bytesOf(input.seed)))).exposeText() };
  },

  async deriveCredential({ input, expected }: Run<{ credential: string }>) {
    const out = expected as Expected;
    using credential = parseCredential(input.credential);
    using keys = await deriveCredentialKeys(credential);
    return {
      privateKey: inFormOf(keys.privateKey.expose(), out?.["privateKey"]),
      recipient: inFormOf(keys.recipient, out?.["recipient"]),
      signingKey: inFormOf(keys.signingKey.expose(), out?.["signingKey"]),
      signing: inFormOf(keys.signing, out?.["signing"]),
      id: keys.id,
    };
  },

  async checkGrants({ input }: Run<{ grants: unknown }>) {
    parseGrants(input.grants);
    return { valid: true };
  },

  async checkClaims({ input }: Run<{ claims: unknown }>) {
    checkClaims(input.claims);
    return { valid: true };
  },

  async routeAllowed({ input }: Run<{ routes: readonly string[] | null; method: string; path: string }>) {
    return { allowed: routeAllowed(input.routes ?? undefined, input.method, input.path) };
  },
};
