import type { WaitUntil } from "../../workers.ts";
import { refusalOf } from "../node/refuse.ts";
import { isGatewayHeader } from "../signed/trusted-headers.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";
import type { RequestContext } from "../verify/verify-request.ts";

/** `fetch` of Bun, Deno and Workers, `app.fetch` of Hono, or a route handler of Next. */
export type FetchHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>;

declare global {
  interface Request {
    /** What was verified, for handlers behind `backend.protect()`. */
    readonly vsync?: RequestContext;
  }
}

type VerifiedFetchRequest = Request & { readonly vsync: RequestContext };

/** A handler behind `protect`. */
export type ProtectedHandler<Rest extends unknown[]> = (
  request: VerifiedFetchRequest,
  ...rest: Rest
) => Response | Promise<Response>;

/** Calls the handler only for verified requests. It finds what was verified in `request.vsync`. */
export function protectFetch<Rest extends unknown[]>(
  backend: Verifier,
  handler: ProtectedHandler<Rest>,
): FetchHandler<Rest> {
  return async (request, ...rest) => {
    let verified: VerifiedFetchRequest;
    try {
      verified = await verifyFetchRequest(backend, request, waitUntilOf(rest));
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      // Cancels the rest of the body, which nobody will read.
      await request.body?.cancel().catch(() => undefined);
      const { status, headers, body } = refusalOf(error);
      return new Response(body, { status, headers });
    }
    return handler(verified, ...rest);
  };
}

/** A Worker's context, which comes after the request and the bindings. */
function waitUntilOf(rest: readonly unknown[]): WaitUntil | undefined {
  const context = rest.find((it) => typeof (it as Partial<WorkerContext> | null | undefined)?.waitUntil === "function");
  return context === undefined ? undefined : (work) => (context as WorkerContext).waitUntil(work);
}

interface WorkerContext {
  waitUntil(work: Promise<unknown>): void;
}

/** @throws VerificationError */
async function verifyFetchRequest(
  backend: Verifier,
  request: Request,
  waitUntil: WaitUntil | undefined,
): Promise<VerifiedFetchRequest> {
  let read: Uint8Array | null = null;
  const body = async (maxBytes: number): Promise<Uint8Array> => {
    if (request.bodyUsed) {
      throw new VerificationError("body_already_read", "something read the request's body before backend.protect()");
    }
    if (request.body === null && Number(request.headers.get("content-length") ?? 0) > 0) {
      throw new VerificationError("body_hash_mismatch", "it came with a body that Fetch hides, as it does for GET");
    }
    read = await readStream(request.body, maxBytes);
    return read;
  };
  const { method, headers } = request;
  const context = await backend.verifyRequest({ method, target: targetOf(request.url), headers, body, waitUntil });
  const own = { vsync: { value: context, enumerable: true } };
  const verified = Object.defineProperties(withoutGatewayHeaders(request, read), own) as VerifiedFetchRequest;
  backend.remember([verified], context, method);
  return verified;
}

/**
 * The target exactly as spelled, because `URL` would drop a lone `?`. A fragment stays, and fails, because gateways
 * never sign one.
 */
function targetOf(url: string): string {
  const target = url.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  return target.startsWith("/") ? target : `/${target}`;
}

async function readStream(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  while (size <= maxBytes) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  reader.releaseLock();
  return concat(chunks, size);
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** A request of the same class, such as Next's, with the body that was read. */
function withoutGatewayHeaders(request: Request, body: Uint8Array | null): Request {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) if (isGatewayHeader(name)) headers.delete(name);
  const rest = request.body === null ? {} : body === null ? { duplex: "half" } : { body };
  const Same = request.constructor as typeof Request;
  try {
    return new Same(request, { headers, ...rest } as RequestInit);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Copies the fields, because Next passes a Proxy that constructors do not accept.
    const { url, method, body: stream, signal } = request;
    return new Same(url, { method, headers, body: stream, signal, ...rest } as RequestInit);
  }
}
