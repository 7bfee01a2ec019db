export {
  AccessDeniedError,
  AuditBrokenError,
  BundleCorruptError,
  ConfigInvalidError,
  ConfigMissingError,
  ConfigUnsupportedVersionError,
  type ErrorCode,
  GrantInvalidError,
  InputError,
  ManifestNotFoundError,
  NotAuthenticError,
  PassphraseRetiredError,
  RollbackError,
  S3UnreachableError,
  TokenExpiredError,
  TokenRefusedError,
  TokenRevokedError,
  TokenUnknownError,
  UnsupportedSpecVersionError,
  VsyncError,
  WrongPassphraseError,
} from "../errors.ts";
export type { AccessTokenRequest, OpenedToken } from "./held-token.ts";
export type { Environment, Logger, OpenOptions } from "./options.ts";
export { type ValueSource, Vsync } from "./vsync.ts";
