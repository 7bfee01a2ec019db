import { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from "@aws-sdk/client-s3";
import type { GetOptions, ReadOptions, StoredObject, Version } from "../ports.ts";
import { NoEtagError } from "./answers.ts";
import type { Attempt } from "./call.ts";
import type { Connection } from "./connection.ts";
import { skewOf } from "./dates.ts";
import { TruncatedBodyError } from "./network.ts";

/** The first buffer if the answer does not say how long it is. */
const FIRST_BYTES = 64 * 1024;

/** @throws VsyncError any failure but a missing key */
export async function headObject(connection: Connection, key: string, options: ReadOptions): Promise<Version | null> {
  using call = connection.call("read", key, { signal: options.signal });
  const attempt = await call.retrying(async (abortSignal) => {
    const output = await connection.client.send(new HeadObjectCommand(connection.address(key)), { abortSignal });
    return versionIn(output);
  });
  return orNull(attempt);
}

/** @throws VsyncError any failure but a missing key */
export async function getObject(
  connection: Connection,
  key: string,
  options: GetOptions,
): Promise<StoredObject | null> {
  const { maxBytes, signal } = options;
  using call = connection.call("read", key, { receives: maxBytes, signal });
  const attempt = await call.retrying(async (abortSignal, signOfLife) => {
    const output = await connection.client.send(new GetObjectCommand(connection.address(key)), { abortSignal });
    const skew = skewOf(output, connection.nowMs());
    return { bytes: await readBody(output, maxBytes, signOfLife), version: versionIn(output), ...skew };
  });
  return orNull(attempt);
}

/** @throws NoEtagError the answer has none */
export function versionIn({ ETag }: { ETag?: string | undefined }): Version {
  if (!ETag) throw new NoEtagError();
  return ETag;
}

function orNull<T>(attempt: Attempt<T>): T | null {
  if (attempt.done) return attempt.value;
  if (attempt.failure.kind === "absent") return null;
  throw attempt.failure.error;
}

async function readBody(output: GetObjectCommandOutput, maxBytes: number, signOfLife: () => void): Promise<Uint8Array> {
  const { Body, ContentLength } = output;
  if (!(Body instanceof Readable)) throw new TypeError("the body is not a stream");
  // Without a length, or with a false one, the buffer grows as bytes arrive.
  let bytes = new Uint8Array(Math.min(ContentLength ?? FIRST_BYTES, maxBytes + 1));
  let length = 0;
  for await (const chunk of Body as AsyncIterable<Uint8Array>) {
    signOfLife();
    const piece = chunk.subarray(0, maxBytes + 1 - length);
    if (length + piece.length > bytes.length) bytes = enlarged(bytes, length + piece.length, maxBytes);
    bytes.set(piece, length);
    length += piece.length;
    if (length > maxBytes) return bytes;
  }
  if (ContentLength !== undefined && length < ContentLength) throw new TruncatedBodyError();
  return length === bytes.length ? bytes : bytes.slice(0, length);
}

/** At least twice as long, to grow seldom, and never longer than the most that is read. */
function enlarged(bytes: Uint8Array, needed: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(Math.max(needed, 2 * bytes.length), maxBytes + 1));
  larger.set(bytes);
  return larger;
}
