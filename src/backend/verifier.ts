import type { RequestContext, VerifyRequestInput } from "./verify/verify-request.ts";

/** What adapters need from a backend. */
export interface Verifier {
  /** @throws VerificationError */
  verifyRequest(input: VerifyRequestInput): Promise<RequestContext>;
  /**
   * Stores what was verified under each object that represents the request in a framework.
   *
   * @param method the request's method when it was verified
   */
  remember(requests: readonly object[], context: RequestContext, method: string): void;
  /**
   * Checks that a request is for the route whose handler is about to serve it.
   *
   * @throws VerificationError route_mismatch; missing_signature: it was not verified
   */
  requireRoute(request: object, id: string, method: string): RequestContext;
}
