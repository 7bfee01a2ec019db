import type { JsonObject, JsonValue } from "../../canonical-json.ts";
import { AccessTokenError, type AccessTokenReason } from "../../errors.ts";
import type { TokenKind } from "../credential-form.ts";
import { Layer } from "../grants/evaluate.ts";
import { verifyText } from "../signature.ts";
import { type AccessClaims, type CompactToken, parseAccessClaims } from "./form.ts";

/** A live token, as the box `verify` has it (docs/format.md, Boxes). */
export interface VerifiableToken {
  readonly id: string;
  readonly kind: TokenKind;
  /** Base64 of the X25519 public key. */
  readonly recipient: string;
  /** Base64 of the Ed25519 public key. */
  readonly signing: string;
  readonly backend?: string | undefined;
  readonly capabilities: readonly string[];
  readonly permissions?: readonly string[] | undefined;
  readonly grants?: readonly JsonValue[] | undefined;
  readonly meters?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly not_after?: string | undefined;
  /** Seconds since the epoch. Access tokens issued earlier are void. */
  readonly min_iat?: number | undefined;
}

/** What one generation says about the vault's tokens. Their ids have been checked against their keys. */
export interface VerifySnapshot {
  /** The vault's id. */
  readonly vault: string;
  readonly gen: number;
  readonly verify: { readonly settings?: JsonObject | undefined; readonly tokens: readonly VerifiableToken[] };
  /** Ids of ended tokens: their access tokens are reported as revoked, not unknown. */
  readonly ended: readonly string[];
}

/** What a verifier knows of one token; prepared once per generation. */
export interface KnownToken {
  readonly token: VerifiableToken;
  /** Whether its key signed this access token. */
  hasSigned(compact: CompactToken): Promise<boolean>;
  /** Its stored claims. */
  readonly layer: Layer;
}

/** The tokens of one generation. */
export class KnownTokens {
  readonly snapshot: VerifySnapshot;
  readonly #tokens: ReadonlyMap<string, VerifiableToken>;
  readonly #prepared = new Map<string, Promise<KnownToken>>();

  constructor(snapshot: VerifySnapshot) {
    this.snapshot = snapshot;
    this.#tokens = new Map(snapshot.verify.tokens.map((token) => [token.id, token]));
  }

  /** Whether this generation knows the token, live or ended. */
  has(id: string): boolean {
    return this.#tokens.has(id) || this.snapshot.ended.includes(id);
  }

  /** @throws AccessTokenError revoked, unknown_key */
  async get(id: string): Promise<KnownToken> {
    if (this.snapshot.ended.includes(id)) throw revoked();
    const token = this.#tokens.get(id);
    if (token === undefined) throw refused("unknown_key", "the vault has no such token");
    const known = this.#prepared.get(id) ?? prepare(token);
    this.#prepared.set(id, known);
    return known;
  }
}

async function prepare(token: VerifiableToken): Promise<KnownToken> {
  const layer = await new Layer("stored", token).prepare();
  const key = { public: token.signing };
  return { token, layer, hasSigned: ({ signed, signature }) => verifyText(key, signature, signed) };
}

export interface VerifiedToken extends KnownToken {
  readonly claims: AccessClaims;
}

/** How far the minting machine's clock may be ahead. */
const MAX_AHEAD_MS = 60_000;

/**
 * Verifies an access token in the format's order: form and key, signature, claims. It never looks into unsigned claims.
 *
 * @throws AccessTokenError with its reason
 */
export async function verifyAccessToken(
  compact: CompactToken,
  tokens: KnownTokens,
  { audience, atMs }: { readonly audience?: string | undefined; readonly atMs: number },
): Promise<VerifiedToken> {
  const known = await tokens.get(compact.keyId);
  if (!(await known.hasSigned(compact))) throw refused("bad_signature", "its signature does not verify");
  const claims = parseAccessClaims(compact);
  if (claims.iss !== `vsync:${tokens.snapshot.vault}`) throw refused("wrong_issuer", "it belongs to another vault");
  if (claims.aud !== audience) throw refused("wrong_audience", audienceFault(claims.aud, audience));
  requireTime(claims, known.token, atMs);
  if (!known.layer.has("api.tokens.create")) {
    throw refused("not_permitted", "the token that signed it may not mint access tokens");
  }
  return { ...known, claims };
}

function audienceFault(given: string | undefined, wanted: string | undefined): string {
  if (given === undefined) return "it names no audience, but this verifier has one";
  return wanted === undefined ? "it names an audience, but this verifier has none" : "it is for another audience";
}

function requireTime({ iat, exp }: AccessClaims, { min_iat = 0, not_after }: VerifiableToken, atMs: number): void {
  if (iat * 1000 > atMs + MAX_AHEAD_MS) throw refused("not_yet_valid", "it was issued in the future");
  if (iat < min_iat) throw revoked();
  if (atMs >= exp * 1000) throw refused("expired", "it has expired");
  if (not_after !== undefined && atMs >= Date.parse(not_after)) throw revoked();
}

function revoked(): AccessTokenError {
  return refused("revoked", "the token that signed it was revoked, or has ended");
}

export function refused(reason: AccessTokenReason, fault: string): AccessTokenError {
  return new AccessTokenError(reason, `the access token is refused: ${fault}`);
}
