import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";

/** Of a page of a listing: a thousand keys of vaults have about 300 KB. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;
/** Of an error, and of the answer to a write. */
const MAX_BODY_BYTES = 64 * 1024;

/** An answer that is longer than any of its kind. */
export class OversizedAnswerError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/** The part of an HTTP response that the SDK hands through its middleware. */
interface Response {
  readonly statusCode: number;
  body?: unknown;
}

/**
 * The SDK reads the body of every answer but that of a GET whole, however long it is. This reads it first, up to a bound.
 * An error with a longer body counts by its status alone. `read.ts` bounds objects.
 *
 * @throws OversizedAnswerError for a longer answer that is not an error
 */
export function boundBodies({ middlewareStack }: S3Client): void {
  middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const response = result.response as Response;
        const isError = response.statusCode >= 300;
        if (!(response.body instanceof Readable) || (commandName === "GetObjectCommand" && !isError)) return result;
        const maxBytes = commandName === "ListObjectsV2Command" && !isError ? MAX_PAGE_BYTES : MAX_BODY_BYTES;
        const body = await readUpTo(response.body, maxBytes);
        if (body === null && !isError) throw new OversizedAnswerError(maxBytes);
        response.body = Readable.from(body ?? []);
        return result;
      },
    // Low: nearest to the connection, below what parses the body.
    { step: "deserialize", priority: "low", name: "boundBodies" },
  );
}

/** The pieces of a body; null if it is longer. Leaving the loop early closes the connection. */
async function readUpTo(body: Readable, maxBytes: number): Promise<Uint8Array[] | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > maxBytes) return null;
    pieces.push(piece);
  }
  return pieces;
}
