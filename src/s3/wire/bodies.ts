import type { Readable } from "node:stream";
import type { HttpAnswer } from "./exchange.ts";

/** Of an error, and of the answer to a write. A longer error counts by its status alone. */
export const MAX_BODY_BYTES = 64 * 1024;

/** An answer that is longer than any of its kind. */
export class OversizedAnswerError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/** @throws OversizedAnswerError a longer one */
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

/** For people, as of a captive portal or a proxy: no S3 service sends HTML. */
export function isWebPage(headers: HttpAnswer["headers"], start: Uint8Array): boolean {
  if (/^(text\/html|application\/xhtml)/i.test(headers["content-type"] ?? "")) return true;
  return /^\s*<(!doctype html|html)/i.test(Buffer.from(start.subarray(0, 512)).toString("latin1"));
}
