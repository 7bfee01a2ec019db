import { InputError } from "../../errors.ts";
import type { TokenKind } from "../credential-form.ts";
import { type AuthorizationRequest, type Decision, Evaluator, Layer, type Verdict } from "../grants/evaluate.ts";
import { Newest } from "../newest.ts";
import { nowMs } from "../system-clock.ts";
import { type AccessClaims, parseCompact } from "./form.ts";
import { KnownTokens, refused, type VerifiedToken, type VerifySnapshot, verifyAccessToken } from "./verify.ts";

/** An open vault that may verify tokens. */
export interface VerifySource {
  /**
   * Reads from the store, at every call, what the newest generation says about the vault's tokens. Rejects if it gets
   * no authentic response.
   */
  readVerify(): Promise<VerifySnapshot>;
}

export interface TokenVerifierOptions {
  readonly vault: VerifySource;
  /**
   * The name of this service. Tokens for another audience, or for none, are refused. If absent, tokens that name an
   * audience are refused.
   */
  readonly audience?: string;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly clock?: { nowMs(): number };
  /** How long a snapshot stays valid, and so how long a revocation may take: 1…60. Default 60. */
  readonly maxAgeSeconds?: number;
}

/** What an access token allows at the time of its verification. Verify it again for each request. */
export interface Authority {
  /** The id of the token that signed it. */
  readonly tokenId: string;
  readonly kind: TokenKind;
  readonly backend?: string | undefined;
  readonly capabilities: readonly string[];
  readonly meters?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly claims: AccessClaims;
  readonly expiresAt: Date;
  /** Settings, stored claims and the access token's own claims must all allow the request. */
  authorize(request: AuthorizationRequest): Decision;
  /** The decision, and what each of them said. */
  explain(request: AuthorizationRequest): { readonly decision: Decision; readonly verdicts: readonly Verdict[] };
}

export interface TokenVerifier {
  /**
   * @throws AccessTokenError `reason` says why; the first call also throws what the vault throws
   */
  verify(jwt: string): Promise<Authority>;
}

const MAX_AGE_SECONDS = 60;
/** How many times in a row the store may fail to respond. */
const ANSWERS_MISSED = 5;
/** The part of its lifetime after which a snapshot is renewed in the background. */
const REFRESHED_FROM = 3 / 4;

/**
 * Verifies the access tokens that a service is shown, by what the vault says at the moment. A revocation takes effect
 * within `maxAgeSeconds`.
 *
 * @throws InputError `maxAgeSeconds` is not 1…60
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { vault, audience, clock = { nowMs }, maxAgeSeconds = MAX_AGE_SECONDS } = options;
  if (!(maxAgeSeconds >= 1 && maxAgeSeconds <= MAX_AGE_SECONDS)) {
    throw new InputError(`maxAgeSeconds must be 1\u2026${MAX_AGE_SECONDS}`, { hint: "leave it out for a minute" });
  }
  const maxAgeMs = maxAgeSeconds * 1000;
  const newest = new Newest({
    read: () => vault.readVerify(),
    clock,
    maxAgeMs,
    refreshMs: maxAgeMs * REFRESHED_FROM,
    maxStaleMs: () => ANSWERS_MISSED * maxAgeMs,
    stale: () => refused("stale", "the vault has not answered for too long"),
  });
  let tokens: KnownTokens | null = null;
  const tokensOf = (snapshot: VerifySnapshot): KnownTokens => {
    if (tokens?.snapshot !== snapshot) tokens = new KnownTokens(snapshot);
    return tokens;
  };
  return {
    async verify(jwt) {
      const compact = parseCompact(jwt);
      const known = tokensOf(await newest.get((snapshot) => tokensOf(snapshot).has(compact.keyId)));
      return authorityOf(await verifyAccessToken(compact, known, { audience, atMs: clock.nowMs() }), known);
    },
  };
}

async function authorityOf({ token, layer, claims }: VerifiedToken, { snapshot }: KnownTokens): Promise<Authority> {
  const own = await new Layer("access", claims).prepare();
  const evaluator = new Evaluator(snapshot.verify.settings, [layer, own]);
  return {
    tokenId: token.id,
    kind: token.kind,
    backend: token.backend,
    capabilities: token.capabilities,
    meters: token.meters,
    routes: token.routes,
    claims,
    expiresAt: new Date(claims.exp * 1000),
    authorize: (request) => evaluator.decide(request),
    explain: (request) => evaluator.explain(request),
  };
}
