import type { RequestContext, VerifyRequestInput } from "./verify/verify-request.ts";

/** What adapters need of a backend. */
export interface Verifier {
  /** @throws VerificationError */
  verifyRequest(input: VerifyRequestInput): Promise<RequestContext>;
  /**
   * Keeps what was verified, by each object that stands for the request in a framework.
   *
   * @param method of the request when it was verified
   */
  remember(requests: readonly object[], context: RequestContext, method: string): void;
  /**
   * Holds a request against the route whose handler is about to serve it.
   *
   * @throws VerificationError route_mismatch; missing_signature: nobody has verified it
   */
  requireRoute(request: object, id: string, method: string): RequestContext;
}
