import type { JsonObject } from "../canonical-json.ts";
import type { UsageMap } from "../usage/meters.ts";
import type { UsageSigner } from "../usage/statement.ts";

/** What reports the usage of requests that a backend verified. */
export interface UsageReporting extends UsageSigner {
  /** The `meters` of the backend's token; absent: any. */
  readonly meters?: readonly string[] | undefined;
  readonly clock: { nowMs(): number };
  /** Records what a response announced as pending. Resolves once it is kept. */
  recordDeferred(usage: DeferredUsage): Promise<void>;
}

/** The usage of one response that had to be sent before it was known. */
export interface DeferredUsage {
  readonly requestId: string;
  readonly routeId: string;
  readonly usage: UsageMap;
  readonly context?: JsonObject | undefined;
  readonly credits?: UsageMap | undefined;
}

/** A request that a backend verified, as far as its usage is concerned. */
export interface VerifiedRequest {
  readonly requestId: string;
  readonly routeId: string;
  readonly reporting: UsageReporting;
}

/** Keyed by the request itself: what an app could set on a request, a client could set, too. */
const verified = new WeakMap<object, VerifiedRequest>();

/**
 * Remembers that a request was verified: only such a request can report usage. To be called once verification has
 * succeeded, for each object by which a framework hands the request to a handler.
 */
export function rememberVerified(request: object, as: VerifiedRequest): void {
  verified.set(request, as);
}

export function verifiedRequest(request: object): VerifiedRequest | undefined {
  return verified.get(request);
}
