import type { Readable } from "node:stream";
import type { HttpAnswer } from "./exchange.ts";

/** For an error, and for the response to a write. Of a longer error, only the status counts. */
export const MAX_BODY_BYTES = 64 * 1024;

/** A response longer than any of its kind should be. */
export class OversizedAnswerError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/**
 * @throws OversizedAnswerError the body is longer than `maxBytes`
 */
export async function wholeBody(body: Readable, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readUpTo(body, maxBytes);
  if (bytes === null) throw new OversizedAnswerError(maxBytes);
  return bytes;
}

/** The body; null if it is longer than `maxBytes`. Leaving the loop early closes the connection. */
export async function readUpTo(body: Readable, maxBytes: number): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > maxBytes) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Whether this is a page for people, as from a captive portal or a proxy. S3 services never send HTML. */
export function isWebPage(headers: HttpAnswer["headers"], start: Uint8Array): boolean {
  if (/^(text\/html|application\/xhtml)/i.test(headers["content-type"] ?? "")) return true;
  return /^\s*<(!doctype html|html)/i.test(Buffer.from(start.subarray(0, 512)).toString("latin1"));
}
