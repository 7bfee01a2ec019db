import { InputError } from "../../errors.ts";
import type { TokenKind } from "../credential.ts";
import { type AuthorizationRequest, type Decision, Evaluator, Layer, type Verdict } from "../grants/evaluate.ts";
import { nowMs } from "../system-clock.ts";
import { type AccessClaims, parseCompact } from "./form.ts";
import { KnownTokens, refused, type VerifiedToken, type VerifySnapshot, verifyAccessToken } from "./verify.ts";

/** An opened vault that may verify tokens. */
export interface VerifySource {
  /**
   * Asks the store for the newest generation, every time it is called, and gives what that says of the vault's tokens. It
   * rejects if it has no answer that is authentic.
   */
  readVerify(): Promise<VerifySnapshot>;
}

export interface TokenVerifierOptions {
  readonly vault: VerifySource;
  /** Who this service is. A token for another, or for nobody, is refused; without it a token that names one. */
  readonly audience?: string;
  /** Milliseconds since 1970; default: the clock of the machine. */
  readonly clock?: { nowMs(): number };
  /** How long an answer of the store counts, and so how long a revocation may take: 1…60, the default. */
  readonly maxAgeSeconds?: number;
}

/** What an access token allows, at the time when it was verified. Verify it again for each request. */
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
  /** Settings, stored claims and the access token's own: each must allow the request. */
  authorize(request: AuthorizationRequest): Decision;
  /** The decision, with what each of them said. */
  explain(request: AuthorizationRequest): { readonly decision: Decision; readonly verdicts: readonly Verdict[] };
}

export interface TokenVerifier {
  /** @throws AccessTokenError `reason` says why; the first call also what the vault throws */
  verify(jwt: string): Promise<Authority>;
}

const MAX_AGE_SECONDS = 60;
/** How many times in a row the store may give no answer. */
const ANSWERS_MISSED = 5;
/** For tokens that nobody knows: each of them would otherwise cost a request. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Verifies the access tokens that a service is shown, with what the vault says now: a revocation takes effect within
 * `maxAgeSeconds`.
 *
 * @throws InputError `maxAgeSeconds` is not 1…60
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { vault, audience, clock = { nowMs }, maxAgeSeconds = MAX_AGE_SECONDS } = options;
  if (!(maxAgeSeconds >= 1 && maxAgeSeconds <= MAX_AGE_SECONDS)) {
    throw new InputError(`maxAgeSeconds must be 1\u2026${MAX_AGE_SECONDS}`, { hint: "leave it out for a minute" });
  }
  const newest = new Newest(vault, maxAgeSeconds * 1000);
  return {
    async verify(jwt) {
      const compact = parseCompact(jwt);
      const tokens = await newest.knowing(compact.keyId, clock.nowMs());
      return authorityOf(await verifyAccessToken(compact, tokens, { audience, atMs: clock.nowMs() }), tokens);
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

/** The newest generation that the store has shown, asked for again when its answer is too old. */
class Newest {
  readonly #source: VerifySource;
  readonly #maxAgeMs: number;
  #tokens: KnownTokens | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(source: VerifySource, maxAgeMs: number) {
    this.#source = source;
    this.#maxAgeMs = maxAgeMs;
  }

  /** @throws AccessTokenError stale */
  async knowing(id: string, atMs: number): Promise<KnownTokens> {
    let tokens = await this.#notOlder(this.#maxAgeMs, atMs);
    if (!tokens.has(id)) tokens = await this.#notOlder(LOOK_AGAIN_MS, atMs);
    if (atMs - this.#answeredMs < ANSWERS_MISSED * this.#maxAgeMs) return tokens;
    throw refused("stale", "the vault has not answered for too long");
  }

  async #notOlder(ageMs: number, atMs: number): Promise<KnownTokens> {
    const age = atMs - this.#askedMs;
    if (this.#asking !== null || this.#tokens === null || age >= ageMs || age < 0) {
      this.#asking ??= this.#ask(atMs).finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    return this.#tokens as KnownTokens;
  }

  /** Without an answer the one before counts on, for a while; the first must come. */
  async #ask(atMs: number): Promise<void> {
    this.#askedMs = atMs;
    try {
      const snapshot = await this.#source.readVerify();
      const known = this.#tokens?.snapshot;
      // A store that shows an older generation than before has not answered.
      if (known !== undefined && snapshot.gen < known.gen) return;
      if (snapshot !== known) this.#tokens = new KnownTokens(snapshot);
      this.#answeredMs = atMs;
    } catch (error) {
      if (this.#tokens === null) throw error;
    }
  }
}
