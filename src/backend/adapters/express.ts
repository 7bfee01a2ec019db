import type { NodeRequest, NodeResponse } from "../node/node-message.ts";
import { refusalOf, refuseNodeRequest } from "../node/refuse.ts";
import { verifyNodeRequest } from "../node/verify-node.ts";
import { VERIFIES } from "../ready.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";
import type { RequestContext } from "../verify/verify-request.ts";

declare global {
  // Extends the types of `@types/express`.
  namespace Express {
    interface Request {
      /** What was verified, for handlers behind `backend.middleware()`. */
      vsync?: RequestContext;
    }
  }
}

/** `(request, response, next)`, as in Express, Connect, Nest and Restify. */
export type ExpressMiddleware = (request: NodeRequest, response: NodeResponse, next: Next) => void | Promise<void>;
/** The same in front of one route; also Fastify's `preHandler`. */
export type RouteGuard = (request: GuardedRequest, response: NodeResponse | FastifyReply, next: GuardNext) => void;
type Next = (error?: unknown) => void;
/** Fastify only accepts an Error. */
type GuardNext = (error?: Error) => void;

export interface MiddlewareOptions {
  /**
   * Called with each refusal before it is answered, in addition to the backend's log. It cannot let the request
   * through. If it throws, Express 5 passes the error on, but with Express 4 or Connect it ends the process.
   */
  readonly onRefused?: (error: VerificationError, request: unknown) => void;
}

/** Verifies each request, or answers it. Handlers find what was verified in `request.vsync`. */
export function createExpressMiddleware(backend: Verifier, { onRefused }: MiddlewareOptions = {}): ExpressMiddleware {
  const verify = async (request: NodeRequest & { vsync?: unknown }, response: NodeResponse): Promise<boolean> => {
    try {
      request.vsync = await verifyNodeRequest(backend, request);
      return true;
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      try {
        onRefused?.(error, request);
      } finally {
        refuseNodeRequest(request, response, error);
      }
      return false;
    }
  };
  // Any other error rejects, and Express 5 passes it on. Calling `next(error)` instead would let a handler that ignores
  // its argument serve the request.
  const middleware: ExpressMiddleware = async (request, response, next) => {
    if (await verify(request, response)) next();
  };
  return Object.assign(middleware, { [VERIFIES]: true });
}

/** A request of Node.js, or Fastify's wrapper around one. */
type GuardedRequest = NodeRequest | { readonly raw: NodeRequest };

interface FastifyReply {
  code(status: number): { headers(headers: object): { send(body: string): unknown } };
}

/** Refuses a request that the gateway signed for another route, or that was not verified. */
export function routeGuard(backend: Verifier, id: string): RouteGuard {
  return (request, response, next) => {
    const raw = "raw" in request ? request.raw : request;
    try {
      backend.requireRoute(raw, id, raw.method ?? "");
    } catch (error) {
      if (!(error instanceof VerificationError)) return next(error as Error);
      return refuse(raw, response, error);
    }
    next();
  };
}

function refuse(request: NodeRequest, response: NodeResponse | FastifyReply, error: VerificationError): void {
  if (!("code" in response)) return refuseNodeRequest(request, response, error);
  const { status, headers, body } = refusalOf(error);
  response.code(status).headers(headers).send(body);
}
