import { free } from "../memory.ts";
import type { GetOptions, ReadOptions, StoredObject, Version } from "../ports.ts";
import { isWebPage } from "./wire/bodies.ts";
import type { Attempt } from "./wire/call.ts";
import { type Connection, NOT_MODIFIED } from "./wire/connection.ts";
import { skewMs } from "./wire/dates.ts";
import type { HttpAnswer } from "./wire/exchange.ts";
import { NoEtagError, WebPageError } from "./wire/failure.ts";
import { TruncatedBodyError } from "./wire/network.ts";

/** The first buffer's size if the response does not say how long it is. */
const FIRST_BYTES = 64 * 1024;

/**
 * @throws VsyncError any failure except a missing key
 */
export async function headObject(connection: Connection, key: string, options: ReadOptions): Promise<Version | null> {
  using call = connection.call("read", key, { signal: options.signal });
  const attempt = await call.retrying(async (sending) => versionIn(await connection.readHead(key, sending)));
  return orNull(attempt);
}

/**
 * @throws VsyncError any failure except a missing key
 */
export async function getObject(
  connection: Connection,
  key: string,
  options: GetOptions,
): Promise<StoredObject | null> {
  const { maxBytes, signal, unless } = options;
  using call = connection.call("read", key, { receives: maxBytes, signal });
  const attempt = await call.retrying(async (sending, signOfLife) => {
    const answer = await connection.read({ method: "GET", key, unless }, sending);
    if (unless !== undefined && answer.status === NOT_MODIFIED) {
      // A 304 has no body, and its Content-Length may be that of the object.
      answer.body.resume();
      return { bytes: new Uint8Array(), version: unless };
    }
    const version = versionIn(answer);
    const ahead = skewMs(answer, connection.nowMs());
    const bytes = await readBody(answer, maxBytes, signOfLife);
    return { bytes, version, ...(ahead !== null && { skewMs: ahead }), ...storedAt(answer) };
  });
  return orNull(attempt);
}

/**
 * A proxy that compresses turns the ETag into a weak one, which servers do not accept in If-Match (RFC 9110 §13.1.1).
 * The strong one is still in it.
 */
export function strongVersion(etag: string): Version {
  return etag.replace(/^W\//, "");
}

/**
 * @throws NoEtagError, WebPageError the response has no ETag
 */
function versionIn({ headers, body }: HttpAnswer): Version {
  const { etag } = headers;
  if (etag) return strongVersion(etag);
  body.destroy();
  throw isWebPage(headers, new Uint8Array()) ? new WebPageError() : new NoEtagError();
}

function storedAt({ headers }: HttpAnswer): { readonly storedMs?: number } {
  const storedMs = Date.parse(headers["last-modified"] ?? "");
  return Number.isNaN(storedMs) ? {} : { storedMs };
}

function orNull<T>(attempt: Attempt<T>): T | null {
  if (attempt.done) return attempt.value;
  if (attempt.failure.kind === "absent") return null;
  throw attempt.failure.error;
}

async function readBody(answer: HttpAnswer, maxBytes: number, signOfLife: () => void): Promise<Uint8Array> {
  const announced = lengthIn(answer);
  // If the length is missing or wrong, the buffer grows as bytes arrive.
  let bytes = new Uint8Array(Math.min(announced ?? FIRST_BYTES, maxBytes + 1));
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    signOfLife();
    const piece = chunk.subarray(0, maxBytes + 1 - length);
    if (length + piece.length > bytes.length) bytes = enlarged(bytes, length + piece.length, maxBytes);
    bytes.set(piece, length);
    length += piece.length;
    free(chunk);
    if (length > maxBytes) return bytes;
  }
  if (announced !== undefined && length < announced) throw new TruncatedBodyError();
  return length === bytes.length ? bytes : bytes.slice(0, length);
}

function lengthIn({ headers }: HttpAnswer): number | undefined {
  const length = headers["content-length"];
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** At least doubles the buffer, so it rarely grows, up to the most that will be read. */
function enlarged(bytes: Uint8Array, needed: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(Math.max(needed, 2 * bytes.length), maxBytes + 1));
  larger.set(bytes);
  return larger;
}
