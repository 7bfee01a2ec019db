import type { JsonObject } from "../canonical-json.ts";
import type { UsageMap } from "../usage/meters.ts";
import type { UsageSigner } from "../usage/statement.ts";

/** Reports the usage of requests that a backend verified. */
export interface UsageReporting extends UsageSigner {
  /** The `meters` of the backend's token; absent means any. */
  readonly meters?: readonly string[] | undefined;
  readonly clock: { nowMs(): number };
  /** Records the usage that a response announced as pending. Resolves once it is safe. */
  recordDeferred(usage: DeferredUsage): Promise<void>;
}

/** The usage of one response that was sent before its usage was known. */
export interface DeferredUsage {
  readonly requestId: string;
  readonly routeId: string;
  readonly usage: UsageMap;
  readonly context?: JsonObject | undefined;
  readonly credits?: UsageMap | undefined;
}

/** What reporting usage needs of a verified request. */
export interface VerifiedRequest {
  readonly requestId: string;
  readonly routeId: string;
  readonly reporting: UsageReporting;
}

/** Keyed by the request object, because a property that an app sets, a client could set too. */
const verified = new WeakMap<object, VerifiedRequest>();

/**
 * Remembers that a request was verified, because only then it can report usage. Call it after verification, once for
 * each object through which a framework passes the request to a handler.
 */
export function rememberVerified(request: object, as: VerifiedRequest): void {
  verified.set(request, as);
}

export function verifiedRequest(request: object): VerifiedRequest | undefined {
  return verified.get(request);
}
