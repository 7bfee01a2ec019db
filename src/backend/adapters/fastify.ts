import type { NodeRequest } from "../node/node-message.ts";
import { closing, refusalOf } from "../node/refuse.ts";
import { verifyNodeRequest } from "../node/verify-node.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";

interface FastifyRequest {
  readonly raw: NodeRequest;
  vsync?: unknown;
}

interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: object): FastifyReply;
  send(body: string): FastifyReply;
}

interface FastifyInstance {
  // Fastify's own type has eight parameters of its own.
  // oxlint-disable-next-line typescript/no-explicit-any
  addHook(name: "onRequest", hook: (request: any, reply: any) => Promise<any>): any;
}

/**
 * A plugin for the whole app: `app.register(createFastifyPlugin(backend))`. It verifies before anything reads the body.
 * Handlers find what was verified in `request.vsync`.
 */
export function createFastifyPlugin(backend: Verifier): (app: FastifyInstance) => Promise<void> {
  const plugin = async (app: FastifyInstance): Promise<void> => {
    app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        request.vsync = await verifyNodeRequest(backend, request.raw, [request]);
        return undefined;
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error;
        const { status, headers, body } = refusalOf(error);
        return reply
          .code(status)
          .headers({ ...headers, ...closing(request.raw) })
          .send(body);
      }
    });
  };
  // Without this, the hook would not apply to routes outside the plugin.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}
