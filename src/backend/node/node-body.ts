import { VerificationError } from "../verification-error.ts";
import { headerLines, type NodeRequest } from "./node-message.ts";

/** A request whose body may have been read already by something that kept the bytes. */
interface MaybeRead extends NodeRequest {
  readonly rawBody?: unknown;
  readonly readableFlowing?: boolean | null;
  readonly stream?: Partial<Pick<NodeRequest, "on" | "off" | "readableEnded">> & { readonly aborted?: boolean };
}

/**
 * Reads the raw body and gives it back to the stream, so a later body parser can read it as if nothing had.
 *
 * It stops after `maxBytes`, and then resolves with what it has, which is more.
 *
 * @throws VerificationError body_already_read: something read it before and kept no byte-exact `rawBody`;
 * body_hash_mismatch: the client went away
 */
export async function readNodeBody(request: MaybeRead, maxBytes: number): Promise<Uint8Array> {
  const headers = headerLines(request.rawHeaders);
  const length = headers["content-length"];
  if (request.httpVersionMajor < 2 && headers["transfer-encoding"] === undefined && Number(length ?? 0) === 0) {
    return new Uint8Array();
  }
  // Node.js itself has discarded the rest of such a body, so it also looks as if something had read it.
  if (request.stream?.aborted === true) throw wentAway();
  if (wasRead(request)) return requireRawBody(request, headers);
  return readAndGiveBack(request, maxBytes);
}

function wentAway(): VerificationError {
  return new VerificationError("body_hash_mismatch", "the client went away");
}

function wasRead({ readableDidRead, readableFlowing, readableEnded }: MaybeRead): boolean {
  return readableDidRead || readableEnded || readableFlowing === true;
}

/** Accepts what `express.json({ verify })`, Nest and cloud functions keep. Anything else may not be the real body. */
function requireRawBody({ rawBody }: MaybeRead, headers: ReturnType<typeof headerLines>): Uint8Array {
  const exact = headers["content-encoding"] === undefined && headers["content-length"];
  if (rawBody instanceof Uint8Array && typeof exact === "string" && rawBody.length === Number(exact)) return rawBody;
  throw new VerificationError(
    "body_already_read",
    "something read the request's body before it was verified: register the middleware of vsync/backend before any body parser, such as express.json()",
  );
}

/** Reads as it arrives, and gives all of it back at once: a tick later, the stream could have ended. */
function readAndGiveBack(request: MaybeRead, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const { stream } = request;
    const chunks: Uint8Array[] = [];
    let size = 0;
    let hasEnded = stream?.readableEnded ?? false;
    const stop = (settle: () => void): void => {
      for (const [emitter, event, listener] of listeners) emitter?.off?.(event, listener);
      settle();
    };
    const read = (): void => {
      while (request.readableLength > 0 && size <= maxBytes) {
        const chunk = request.read();
        if (chunk === null) break;
        const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
        chunks.push(bytes);
        size += bytes.length;
      }
      const all = request.httpVersionMajor < 2 ? request.complete : hasEnded;
      if (all || size > maxBytes) stop(() => resolve(giveBack(request, chunks)));
    };
    const end = (): void => {
      hasEnded = true;
      read();
    };
    const gone = (): void => stop(() => reject(wentAway()));
    const listeners = [
      [request, "readable", read],
      [request, "close", gone],
      // HTTP/2 requests do not say that they are complete. This runs after the listener that ends the request.
      [stream, "end", end],
    ] as const;
    if (request.destroyed) return gone();
    if (hasEnded || request.complete) return read();
    for (const [emitter, event, listener] of listeners) emitter?.on?.(event, listener);
  });
}

function giveBack(request: NodeRequest, chunks: readonly Uint8Array[]): Uint8Array {
  const body = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  request.unshift(body);
  return body;
}
