/** Why a request is refused; the last two, why an origin does not start. The client learns only the code. */
export const RUNTIME_ERROR_CODES = [
  "missing_signature",
  "malformed_signature",
  "bad_signature",
  "expired_signature",
  "clock_skew",
  "route_mismatch",
  "body_hash_mismatch",
  "replayed_nonce",
  "unknown_key_id",
  "jwks_unavailable",
  "route_unknown",
  "context_unverified",
  "body_too_large",
  "body_already_read",
  "nonce_cache_full",
  "missing_token",
  "invalid_token",
] as const;
export type VerificationCode = (typeof RUNTIME_ERROR_CODES)[number];

export function isVerificationCode(code: string): code is VerificationCode {
  return RUNTIME_ERROR_CODES.some((known) => known === code);
}

/** The header in which an origin tells its gateway the code. */
export const REFUSAL_HEADER = "vsync-error";

/** A request that did not come through the gateway unchanged. The message is for the log, never for the client. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  readonly code: VerificationCode;

  constructor(code: VerificationCode, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.code = code;
  }

  /** The HTTP status of the refusal. */
  get status(): number {
    return statusForCode(this.code);
  }
}

const OTHER_STATUS: Partial<Record<VerificationCode, number>> = {
  body_too_large: 413,
  body_already_read: 500,
  nonce_cache_full: 503,
};

/** The HTTP status of a refusal with this code. */
export function statusForCode(code: VerificationCode): number {
  return OTHER_STATUS[code] ?? 401;
}
