/**
 * `vsync/gateway`: signs requests in front of origins, and judges the usage that their responses report. It runs in any
 * proxy; `examples/gateway.mjs` is one.
 */

export type { SignedContext } from "../signed/context.ts";
export type { ResponseHeaders, SettledUsage, Settlement } from "../usage/settle.ts";
export { createGateway, type GatewayOptions } from "./create.ts";
export type { ClientHeaders, ForwardedHeaders } from "./forwarded-headers.ts";
export type { Gateway, GatewayRequest, SignedRequest } from "./gateway.ts";
export { type GatewayCode, GatewayError } from "./gateway-error.ts";
