import { pipeline } from "node:stream";
import { createBrotliDecompress, createUnzip } from "node:zlib";
import type { HttpAnswer } from "./exchange.ts";

/** Undoes the compression of a proxy. The objects of a vault have no encoding of their own. */
export function decompressed({ status, headers, body }: HttpAnswer): HttpAnswer {
  const { "content-encoding": encoding = "", "content-length": _, ...rest } = headers;
  const decoder = decoderOf(encoding.toLowerCase());
  if (decoder === null || headers["content-length"] === "0") return { status, headers, body };
  // The reader of the body gets any error.
  return { status, headers: rest, body: pipeline(body, decoder, () => undefined) };
}

function decoderOf(encoding: string) {
  if (/^(x-)?gzip$|^deflate$/.test(encoding)) return createUnzip();
  return encoding === "br" ? createBrotliDecompress() : null;
}
