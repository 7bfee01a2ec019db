import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";
import type { RequestContext } from "../verify/verify-request.ts";
import type { NodeRequest, NodeSocket } from "./node-message.ts";
import { refusalOf } from "./refuse.ts";
import { verifyNodeRequest } from "./verify-node.ts";

/** Verifies an upgrade, whose body is empty. Null if it was refused; the socket has then been answered and closed. */
export async function verifyNodeUpgrade(
  backend: Verifier,
  request: NodeRequest & { vsync?: unknown },
  socket: NodeSocket,
): Promise<RequestContext | null> {
  // Node.js has removed its own listeners, so without this a client that resets the connection would end the process.
  socket.on("error", () => undefined);
  try {
    const context = await verifyNodeRequest(backend, request, [], { body: null, upgrade: true });
    request.vsync = context;
    return context;
  } catch (error) {
    if (!(error instanceof VerificationError)) {
      socket.destroy();
      throw error;
    }
    refuseSocket(socket, error);
    return null;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  413: "Content Too Large",
  503: "Service Unavailable",
};

function refuseSocket(socket: NodeSocket, error: VerificationError): void {
  const { status, headers, body } = refusalOf(error);
  const fields = { ...headers, "content-length": String(body.length), connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join("")}\r\n${body}`);
  socket.destroySoon?.();
}
