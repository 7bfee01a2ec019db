import type { JsonObject } from "../../src/canonical-json.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
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
import {
  type AuthorizationRequest,
  type Decision,
  Evaluator,
  Layer,
  type LayerJson,
} from "../../src/tokens/grants/evaluate.ts";
import { parseGrants } from "../../src/tokens/grants/grant.ts";
import { type GrantedFrom, grantedItems } from "../../src/tokens/grants/granted-items.ts";
import { checkSettings } from "../../src/tokens/grants/settings.ts";
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
      recipient: encodeBase64(keys.recipient),
      signingKey: inFormOf(keys.signingKey.expose(), out?.["signingKey"]),
      signing: encodeBase64(keys.signing),
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

  async checkSettings({ input }: Run<{ settings: unknown }>) {
    checkSettings(input.settings);
    return { valid: true };
  },

  async evaluate({ input }: Run<EvaluateInput>) {
    const layers = input.layers.map(async (json, at) => new Layer(at === 0 ? "stored" : "access", json).prepare());
    return decisionJson(new Evaluator(input.settings, await Promise.all(layers)).decide(input.request));
  },

  async grantedItems({ input }: Run<GrantedInput>) {
    return grantedItems(input.claims, input);
  },

  async routeAllowed({ input }: Run<{ routes: readonly string[] | null; method: string; path: string }>) {
    return { allowed: routeAllowed(input.routes ?? undefined, input.method, input.path) };
  },
};

function decisionJson(decision: Decision): unknown {
  if (!decision.allowed) return { allowed: false };
  const { properties: apply, fields } = decision;
  return { allowed: true, ...(apply === undefined ? {} : { apply }), ...(fields === undefined ? {} : { fields }) };
}

interface EvaluateInput {
  layers: readonly LayerJson[];
  settings?: JsonObject;
  request: AuthorizationRequest;
}

interface GrantedInput extends GrantedFrom {
  claims: { permissions?: readonly string[]; grants?: readonly JsonObject[] };
}
