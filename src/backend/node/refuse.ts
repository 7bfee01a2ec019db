import { REFUSAL_HEADER, type VerificationError } from "../verification-error.ts";
import type { NodeRequest, NodeResponse, NodeSocket } from "./node-message.ts";

/** How much of a refused request's body to read and discard in order to keep its connection. */
const DRAINED_BYTES = 65_536;
/** How long a client has to read the refusal before its connection or stream is closed. */
const LINGER_MS = 1000;

/** The status, headers and body of a refusal. The client learns only the code. */
export function refusalOf({ code, status }: VerificationError): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  return {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      [REFUSAL_HEADER]: code,
      ...(status === 503 ? { "retry-after": "1" } : {}),
    },
    body: JSON.stringify({ error: code }),
  };
}

interface Refused extends NodeRequest {
  readonly stream?: { destroy?(): void };
  readonly socket?: NodeSocket | null;
  readonly headers?: Record<string, unknown>;
}

/** Answers a request with the refusal, unless it already has a response. */
export function refuseNodeRequest(request: Refused, response: NodeResponse, error: VerificationError): void {
  if (response.headersSent) return;
  const { status, headers, body } = refusalOf(error);
  response.statusCode = status;
  for (const [name, value] of Object.entries({ ...headers, ...closing(request) })) {
    response.setHeader(name, value);
  }
  response.end(body);
}

/** The header that ends the connection of a refused request, if its body would take long to discard. */
export function closing(request: Refused): Readonly<Record<string, string>> {
  const { stream } = request;
  if (request.httpVersionMajor >= 2) {
    // Node.js resets a stream from which nothing was read. Any other would keep what was read until its session ends.
    if (request.readableDidRead) setTimeout(() => stream?.destroy?.(), LINGER_MS).unref();
    return {};
  }
  if (!isLong(request)) return {};
  if (request.socket) lingerBeforeClosing(request.socket);
  return { connection: "close" };
}

function isLong({ headers = {}, complete }: Refused): boolean {
  if (complete) return false;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > DRAINED_BYTES;
}

/**
 * Closing a connection with unread bytes resets it, and the client may lose the response. So this sends the end of the
 * response first, reads no more, and closes later. Node.js has just started to read again in order to discard the body;
 * a later turn of the event loop would come after another 64 KiB.
 */
function lingerBeforeClosing(socket: NodeSocket): void {
  socket.destroySoon = () => {
    socket.end("");
    queueMicrotask(() => socket.pause());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}
