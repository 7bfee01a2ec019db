import type { NodeRequest } from "../node/node-message.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";

interface ExecutionContext {
  switchToHttp(): { getRequest(): NodeRequest & { readonly raw?: NodeRequest } };
}

/**
 * `@UseGuards(createNestGuard(backend, "jobs.create"))` lets only requests for that route through. First verify all
 * requests, with `app.use(backend.middleware())` in `main.ts`.
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
        // Nest answers such an error with its status and message, without needing one of its classes.
        throw Object.assign(new Error(error.code), { statusCode: error.status });
      }
    },
  };
}
