export {
  AccessDeniedError,
  AuditBrokenError,
  BundleCorruptError,
  ConfigInvalidError,
  ConfigMissingError,
  ConfigUnsupportedVersionError,
  type ErrorCode,
  InputError,
  ManifestNotFoundError,
  NotAuthenticError,
  PassphraseRetiredError,
  RollbackError,
  S3UnreachableError,
  UnsupportedSpecVersionError,
  VsyncError,
  WrongPassphraseError,
} from "../errors.ts";
export type { Environment, Logger, OpenOptions } from "./options.ts";
export { type ValueSource, Vsync } from "./vsync.ts";
