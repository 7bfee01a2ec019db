import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";
import type { RequestContext, VerifyRequestInput } from "../verify/verify-request.ts";
import { readNodeBody } from "./node-body.ts";
import { headerLines, type NodeRequest } from "./node-message.ts";
import { stripGatewayHeaders } from "./strip.ts";

/**
 * Verifies a request of Node.js, removes the gateway's headers from it, and remembers what was verified.
 *
 * @param others the objects by which a framework also passes the request on
 * @throws VerificationError
 */
export async function verifyNodeRequest(
  backend: Verifier,
  request: NodeRequest,
  others: readonly object[] = [],
  given: Pick<VerifyRequestInput, "body" | "upgrade"> = { body: (maxBytes) => readNodeBody(request, maxBytes) },
): Promise<RequestContext> {
  const { method = "" } = request;
  const target = targetOf(request);
  const context = await backend.verifyRequest({ method, target, headers: headerLines(request.rawHeaders), ...given });
  stripGatewayHeaders(request);
  backend.remember([request, ...others], context, method);
  return context;
}

/** The target as it arrived. A mounted router removes its path from `url`; no other change is allowed. */
function targetOf({ url = "", originalUrl, baseUrl = "" }: NodeRequest): string {
  if (originalUrl === undefined || originalUrl === baseUrl + url) return originalUrl ?? url;
  // Express adds a slash if nothing else is left of the path.
  if (url.startsWith("/") && originalUrl === baseUrl + url.slice(1)) return originalUrl;
  throw new VerificationError("route_mismatch", `something rewrote ${originalUrl} to ${url} before it was verified`);
}
