/**
 * `vsync/backend`: an origin that serves only requests that came through its gateway, in Node.js, Bun, Deno and Workers.
 */

export { CAPABILITIES as RUNTIME_TOKEN_CAPABILITIES } from "../tokens/permissions.ts";
export { type MeteringCode, MeteringError, type UsageMap } from "../usage/meters.ts";
export {
  createExpressMiddleware,
  type ExpressMiddleware,
  type MiddlewareOptions,
  type RouteGuard,
} from "./adapters/express.ts";
export { createFastifyPlugin } from "./adapters/fastify.ts";
export type { FetchHandler, ProtectedHandler } from "./adapters/fetch.ts";
export { createKoaMiddleware, createKoaRouteGuard, type KoaMiddleware } from "./adapters/koa.ts";
export { createLambdaHandler, type LambdaEvent, type LambdaResult, type VerifiedEvent } from "./adapters/lambda.ts";
export { createNestGuard } from "./adapters/nest.ts";
export { Backend, type Refusal } from "./backend.ts";
export { buildHealthReport, type HealthReport } from "./health.ts";
export { type InitOptions, initFromEnv } from "./init.ts";
export type { ReadyReport } from "./ready.ts";
export type { SignedContext } from "./signed/context.ts";
export type { TunnelOptions, TunnelStatus } from "./tunnel.ts";
export type { MeterOptions } from "./usage/meter.ts";
export { createUsage, type MeteringOptions, type UsageReporter, withUsage } from "./usage/report-usage.ts";
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
