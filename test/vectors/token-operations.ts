import type { JsonObject } from "../../src/canonical-json.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { signAccessToken, type TimedClaims } from "../../src/tokens/access/mint.ts";
import { createTokenVerifier } from "../../src/tokens/access/verifier.ts";
import type { VerifySnapshot } from "../../src/tokens/access/verify.ts";
import { checkClaims } from "../../src/tokens/claims.ts";
import {
  credentialOf,
  deriveCredentialKeys,
  encodeCredential,
  lastFourOf,
  parseCredential,
} from "../../src/tokens/credential.ts";
import type { TokenKind } from "../../src/tokens/credential-form.ts";
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

  async mintAccess({ input }: Run<MintInput>) {
    const signer = { vault: input.vault, id: input.kid, signingKey: bytesOf(input.signingKey) };
    return { jwt: signAccessToken(signer, input.claims) };
  },

  async verifyAccess({ input }: Run<VerifyInput>) {
    const { jwt, vault, verify, ended = [], audience, request } = input;
    const source = { readVerify: async () => ({ vault, gen: 1, verify, ended }) };
    const clock = { nowMs: () => Date.parse(input.now) };
    const verifier = createTokenVerifier({ vault: source, clock, ...(audience === undefined ? {} : { audience }) });
    const authority = await verifier.verify(jwt);
    if (request !== undefined) return { decision: decisionJson(authority.authorize(request)) };
    const stored = verify.tokens.find(({ id }) => id === authority.tokenId);
    return { claims: authority.claims, layers: [stored, authority.claims].map(layerJson) };
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

function layerJson({ permissions, grants }: LayerJson = {}): LayerJson {
  return { ...(permissions === undefined ? {} : { permissions }), ...(grants === undefined ? {} : { grants }) };
}

interface MintInput {
  vault: string;
  kid: string;
  signingKey: VectorBytes;
  claims: TimedClaims;
}

interface VerifyInput {
  jwt: string;
  vault: string;
  verify: VerifySnapshot["verify"];
  ended?: readonly string[];
  audience?: string;
  now: string;
  request?: AuthorizationRequest;
}

interface EvaluateInput {
  layers: readonly LayerJson[];
  settings?: JsonObject;
  request: AuthorizationRequest;
}

interface GrantedInput extends GrantedFrom {
  claims: { permissions?: readonly string[]; grants?: readonly JsonObject[] };
}
