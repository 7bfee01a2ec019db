/**
 * `vsync/backend`: an origin that serves only requests that came through its gateway, in Node.js, Bun, Deno and Workers.
 */

export type { SignedContext } from "./signed/context.ts";
export {
  RUNTIME_ERROR_CODES,
  statusForCode,
  type VerificationCode,
  VerificationError,
} from "./verification-error.ts";
export type { GatewayKey } from "./verify/gateway-keys.ts";
export { NonceCache, type ReplayStore } from "./verify/replay.ts";
export {
  type BodyReader,
  MAX_BODY_BYTES,
  type RequestContext,
  type VerifyRequestInput,
  verifyRequest,
} from "./verify/verify-request.ts";
