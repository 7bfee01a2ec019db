/** Why a request is refused. The client learns the code, and nothing else. */
export const VERIFICATION_CODES = [
  "missing_signature",
  "malformed_signature",
  "bad_signature",
  "expired_signature",
  "clock_skew",
  "route_mismatch",
  "route_unknown",
  "body_hash_mismatch",
  "body_too_large",
  "replayed_nonce",
  "unknown_key_id",
  "nonce_cache_full",
] as const;
export type VerificationCode = (typeof VERIFICATION_CODES)[number];

/** A request that did not come through the gateway as it is. Its message is for the log, never for the client. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  readonly code: VerificationCode;

  constructor(code: VerificationCode, reason: string) {
    super(reason);
    this.code = code;
  }

  /** The HTTP status of the refusal. */
  get status(): number {
    return statusForCode(this.code);
  }
}

function statusForCode(code: VerificationCode): number {
  if (code === "body_too_large") return 413;
  return code === "nonce_cache_full" ? 503 : 401;
}
