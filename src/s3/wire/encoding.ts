import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createUnzip } from "node:zlib";
import type { HttpAnswer } from "./exchange.ts";

/** Undoes the compression of a proxy. The objects of a vault have no encoding of their own. */
export function decompressed({ status, headers, body }: HttpAnswer): HttpAnswer {
  const { "content-encoding": encoding = "", "content-length": _, ...rest } = headers;
  const makeDecoder = decoderFor(encoding.toLowerCase());
  if (makeDecoder === null) return { status, headers, body };
  const decoded = Readable.from(decode(body, makeDecoder), { objectMode: false });
  // The reader of the body gets any error; nobody may be reading.
  return { status, headers: rest, body: decoded.on("error", () => undefined) };
}

/** A body without bytes stays empty; a decoder would call it cut off. */
async function* decode(body: Readable, makeDecoder: () => NodeJS.ReadWriteStream): AsyncGenerator<Uint8Array | string> {
  const pieces: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  let first = await pieces.next();
  while (!first.done && first.value.length === 0) first = await pieces.next();
  if (first.done) return;
  const { value } = first;
  const whole = async function* () {
    yield value;
    yield* { [Symbol.asyncIterator]: () => pieces };
  };
  yield* pipeline(whole, makeDecoder(), () => undefined);
}

function decoderFor(encoding: string): (() => NodeJS.ReadWriteStream) | null {
  if (/^(x-)?gzip$|^deflate$/.test(encoding)) return createUnzip;
  return encoding === "br" ? createBrotliDecompress : null;
}
