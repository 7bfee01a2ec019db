import type { NodeRequest } from "../node/node-message.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";

interface ExecutionContext {
  switchToHttp(): { getRequest(): NodeRequest & { readonly raw?: NodeRequest } };
}

/**
 * `@UseGuards(createNestGuard(backend, "jobs.create"))`: the handler serves that route and no other. Verify all requests
 * first, with `app.use(backend.middleware())` in `main.ts`.
 */
export function createNestGuard(backend: Verifier, id: string): { canActivate(context: ExecutionContext): boolean } {
  return {
    canActivate(context) {
      const request = context.switchToHttp().getRequest();
      const raw = request.raw ?? request;
      try {
        backend.requireRoute(raw, id, raw.method ?? "");
        return true;
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error;
        // What Nest answers with a status and a message of its own, without one of its classes.
        throw Object.assign(new Error(error.code), { statusCode: error.status });
      }
    },
  };
}
