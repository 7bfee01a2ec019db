/**
 * `vsync/tokens`: access tokens and grants, in Node.js, Bun, Deno, Workers and browsers. It loads no AWS SDK and no
 * Argon2id.
 */
export {
  AccessTokenError,
  type AccessTokenReason,
  ConfigInvalidError,
  GrantInvalidError,
  InputError,
  VsyncError,
} from "../errors.ts";
export type { AccessClaims } from "./access/form.ts";
export {
  type AccessTokenOptions,
  type ClientCredentials,
  createClientCredentialsToken,
  type GivenAccessClaims,
} from "./access/mint.ts";
export {
  type Authority,
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifySource,
} from "./access/verifier.ts";
export type { VerifiableToken, VerifySnapshot } from "./access/verify.ts";
export type { AuthorizationRequest, Decision, LayerName, Verdict } from "./grants/evaluate.ts";
export { type FilterJson, type Grant, type MatcherJson, parseGrants } from "./grants/grant.ts";
export type { Facts } from "./grants/settings.ts";
export { CAPABILITIES, type Capability, PERMISSIONS, type Permission } from "./permissions.ts";
