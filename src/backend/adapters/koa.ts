import type { NodeRequest, NodeResponse } from "../node/node-message.ts";
import { refuseNodeRequest } from "../node/refuse.ts";
import { verifyNodeRequest } from "../node/verify-node.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";

interface KoaContext {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  readonly originalUrl: string;
  respond?: boolean;
  readonly state: Record<string, unknown>;
  readonly request: object;
}

export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/** For Koa; register it before any body parser. Handlers find what was verified in `context.state.vsync`. */
export function createKoaMiddleware(backend: Verifier): KoaMiddleware {
  return refusing(async (context) => {
    const { req, originalUrl } = context;
    if (originalUrl !== req.url) {
      throw new VerificationError("route_mismatch", `something rewrote ${originalUrl} to ${req.url}`);
    }
    context.state["vsync"] = await verifyNodeRequest(backend, req, [context, context.request]);
  });
}

/** For Koa, in front of the handler of one route in the settings: it lets only requests for that route through. */
export function createKoaRouteGuard(backend: Verifier, id: string): KoaMiddleware {
  return refusing(async ({ req }) => void backend.requireRoute(req, id, req.method ?? ""));
}

/** The rest of the app runs outside the `try`, because its errors are its own. */
function refusing(check: (context: KoaContext) => Promise<void>): KoaMiddleware {
  return async (context, next) => {
    try {
      await check(context);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      context.respond = false;
      return refuseNodeRequest(context.req, context.res, error);
    }
    return next();
  };
}
