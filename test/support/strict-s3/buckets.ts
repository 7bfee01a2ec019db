import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { notImplemented, S3Error } from "./s3-error.ts";

export interface StrictObject {
  readonly bytes: Uint8Array;
  /** In quotes, as S3 writes it. */
  readonly etag: string;
  readonly modifiedMs: number;
}

export type Bucket = Map<string, StrictObject>;

export type Precondition = "if-match" | "if-none-match";

export interface PreconditionQuirks {
  /** The preconditions that it ignores. */
  readonly ignores?: readonly Precondition[];
  /** The precondition that it checks before another writer of a race has written, and not again. */
  readonly isBlindTo?: Precondition;
  /** Compares If-Match with the ETag without its quotes, as Ceph 16 does. */
  readonly unquotedIfMatch?: boolean;
}

/** Checks and writes in one step, so nothing can come between the two. */
export function putObject(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  headers: IncomingHttpHeaders,
  options: PreconditionQuirks & { readonly nowMs: number; readonly seen?: StrictObject | undefined },
): StrictObject {
  checkPreconditions("seen" in options ? options.seen : bucket.get(key), headers, options);
  const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
  const object = { bytes, etag, modifiedMs: options.nowMs };
  bucket.set(key, object);
  return object;
}

export function noSuchKey(key: string): S3Error {
  return new S3Error(404, "NoSuchKey", "The specified key does not exist.", { fields: { Key: key } });
}

function checkPreconditions(
  existing: StrictObject | undefined,
  headers: IncomingHttpHeaders,
  quirks: PreconditionQuirks,
): void {
  const ifNoneMatch = quirks.ignores?.includes("if-none-match") ? undefined : headers["if-none-match"];
  const ifMatch = quirks.ignores?.includes("if-match") ? undefined : headers["if-match"];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== "*" || ifMatch !== undefined) throw notImplemented("A header you provided");
    if (existing !== undefined) throw preconditionFailed("If-None-Match");
  }
  if (ifMatch !== undefined) {
    if (existing === undefined) throw noSuchKey("");
    const current = quirks.unquotedIfMatch ? existing.etag.replaceAll('"', "") : existing.etag;
    if (ifMatch !== current) throw preconditionFailed("If-Match");
  }
}

function preconditionFailed(condition: string): S3Error {
  const message = "At least one of the pre-conditions you specified did not hold";
  return new S3Error(412, "PreconditionFailed", message, { fields: { Condition: condition } });
}
