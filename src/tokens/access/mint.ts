import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { ConfigInvalidError, InputError } from "../../errors.ts";
import { toBase64Url } from "../base64.ts";
import { parseCredential, privateKeysOf, tokenIdOf } from "../credential.ts";
import { type At, memberOf, refuseGiven, requireObject } from "../given.ts";
import { type Grant, jsonOf, requireGrants } from "../grants/grant.ts";
import { type Permission, requireKnownPermissions } from "../permissions.ts";
import { nowMs } from "../system-clock.ts";
import { encodePart, headerOf, lifeFault, MAX_LIFE_SECONDS, MAX_TOKEN_CHARACTERS } from "./form.ts";

/** What an access token may do. It never exceeds the stored token. */
export interface GivenAccessClaims {
  /** If absent or null, everything that the stored token has. */
  readonly permissions?: readonly Permission[] | null;
  readonly grants?: readonly Grant[];
  /** Another name for `grants`. */
  readonly tunnelsGrants?: readonly Grant[];
}

export interface AccessTokenOptions {
  /** 1…604800. Keep it short: an access token ends only by expiry, or with the token that signed it. */
  readonly expiresInSeconds: number;
  /** The service that it is for. Without an audience, a service that sees the token can use it at another one. */
  readonly audience?: string;
  readonly claims?: GivenAccessClaims;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly clock?: { nowMs(): number };
}

export interface ClientCredentials {
  /** `<token id>@<vault id>`, as `vsync inspect` prints it. Not secret. */
  readonly clientId: string;
  /** The credential, `vsrt_…`. */
  readonly clientSecret: string;
}

const CLIENT_ID = /^(tok_[0-9a-f]{32})@([\w-]+)$/;

/** The key that signs an access token. */
export interface AccessSigner {
  /** The vault's id. */
  readonly vault: string;
  /** The token's id. */
  readonly id: string;
  /** Ed25519 private key, 32 bytes. */
  readonly signingKey: Uint8Array;
}

/** The claims of one access token, as `signAccessToken` takes them. */
export interface TimedClaims extends GivenAccessClaims {
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly audience?: string;
}

/**
 * Mints a short-lived access token from a scoped token, offline. It tells another service what its holder may do.
 *
 * @example
 * const { token } = createClientCredentialsToken(
 *   { clientId: process.env.VSYNC_CLIENT_ID, clientSecret: process.env.VSYNC_TOKEN },
 *   { expiresInSeconds: 60, claims: { permissions: ["tunnels.tunnels.create-delete"] } },
 * );
 * @throws ConfigInvalidError the credential is malformed, or does not belong to the id
 * @throws GrantInvalidError the claims are invalid; `path` says where
 * @throws InputError the lifetime is out of range, or the token has more than 16 KiB
 */
export function createClientCredentialsToken(
  { clientId, clientSecret }: ClientCredentials,
  options: AccessTokenOptions,
): { token: string } {
  const [, id, vault] = CLIENT_ID.exec(clientId) ?? [];
  if (id === undefined || vault === undefined) {
    throw new ConfigInvalidError("invalid clientId: it is not <token id>@<vault id>", {
      hint: "`vsync inspect` prints them as tokenId and vault",
    });
  }
  using credential = parseCredential(clientSecret);
  using keys = privateKeysOf(credential);
  const [privateKey, signingKey] = [keys.privateKey.expose(), keys.signingKey.expose()];
  if (tokenIdOf(x25519.getPublicKey(privateKey), ed25519.getPublicKey(signingKey)) !== id) {
    throw new ConfigInvalidError("clientSecret is not the credential of clientId", {
      hint: "`vsync inspect` prints the id of a credential, as tokenId",
    });
  }
  return mintAccessToken({ vault, id, signingKey }, options);
}

/** Like `createClientCredentialsToken`, with the keys already derived. */
export function mintAccessToken(
  signer: AccessSigner,
  { expiresInSeconds, audience, claims = {}, clock = { nowMs } }: AccessTokenOptions,
): { token: string; expiresAt: Date } {
  const fault = lifeFault(expiresInSeconds);
  if (fault !== null) throw new InputError(`an access token ${fault}`, { hint: `give 1\u2026${MAX_LIFE_SECONDS}` });
  const iat = Math.floor(clock.nowMs() / 1000);
  const exp = iat + expiresInSeconds;
  const jti = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const given = requireObject({ value: jsonOf(claims, "claims"), path: "claims", refuse: refuseGiven });
  const token = signAccessToken(signer, { ...given, iat, exp, jti, ...(audience === undefined ? {} : { audience }) });
  return { token, expiresAt: new Date(exp * 1000) };
}

/** Ed25519 is deterministic, so the same claims give the same token. */
export function signAccessToken({ vault, id, signingKey }: AccessSigner, claims: TimedClaims): string {
  const { iat, exp, jti, audience, ...limits } = claims;
  const signed = `${encodePart(headerOf(id))}.${encodePart({
    iss: `vsync:${vault}`,
    sub: id,
    ...(audience === undefined ? {} : { aud: audience }),
    iat,
    exp,
    jti,
    ...limitsOf({ value: jsonOf(limits, "claims"), path: "", refuse: refuseGiven }),
  })}`;
  const token = `${signed}.${toBase64Url(ed25519.sign(new TextEncoder().encode(signed), signingKey))}`;
  if (token.length <= MAX_TOKEN_CHARACTERS) return token;
  throw new InputError(
    `the access token has ${token.length} characters, but verifiers accept only ${MAX_TOKEN_CHARACTERS}`,
    {
      hint: "give it fewer or shorter grants",
    },
  );
}

function limitsOf(at: At): object {
  const limits = requireObject(at);
  for (const name of Object.keys(limits)) {
    if (!["permissions", "grants", "tunnelsGrants"].includes(name))
      throw refuseGiven(name, "is not a claim that you can give");
  }
  if ("grants" in limits && "tunnelsGrants" in limits)
    throw refuseGiven("tunnelsGrants", "must be absent if there are grants");
  const permissions = limits["permissions"] ?? null;
  if (permissions !== null) requireKnownPermissions(memberOf(at, "permissions"));
  const name = "tunnelsGrants" in limits ? "tunnelsGrants" : "grants";
  if (name in limits) requireGrants(memberOf(at, name));
  return { ...(permissions === null ? {} : { permissions }), ...(name in limits ? { grants: limits[name] } : {}) };
}
