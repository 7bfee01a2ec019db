import type { IncomingHttpHeaders } from "node:http";
import { type Bucket, noSuchKey, type PreconditionQuirks, putObject, type StrictObject } from "./buckets.ts";
import { listObjects } from "./listing.ts";
import { accessDenied, notImplemented, S3Error } from "./s3-error.ts";
import { authorize, isAllowed, type User } from "./users.ts";

export interface Operation {
  readonly method: string;
  readonly bucketName: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Storage extends PreconditionQuirks {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly nowMs: number;
  /** The state for checking preconditions, if it differs from the present one. */
  readonly seen?: StrictObject | undefined;
}

const NO_BODY = new Uint8Array(0);

/** @throws S3Error every answer but success */
export function perform(operation: Operation, user: User, storage: Storage): Answer {
  const bucket = storage.buckets.get(operation.bucketName);
  if (bucket === undefined) {
    const fields = { BucketName: operation.bucketName };
    throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist", { fields });
  }
  return operation.key === ""
    ? performOnBucket(operation, user, bucket)
    : performOnObject(operation, user, bucket, storage);
}

function performOnBucket({ method, bucketName, query }: Operation, user: User, bucket: Bucket): Answer {
  authorize(user, "s3:ListBucket", query.get("prefix") ?? "");
  if (method === "HEAD") return { status: 200, headers: {}, body: NO_BODY };
  if (method !== "GET" || query.get("list-type") !== "2") throw notImplemented(`${method} of a bucket`);
  const listing = listObjects(bucketName, bucket, query);
  return { status: 200, headers: { "Content-Type": "application/xml" }, body: Buffer.from(listing) };
}

function performOnObject(operation: Operation, user: User, bucket: Bucket, storage: Storage): Answer {
  const { method, key } = operation;
  switch (method) {
    case "HEAD":
    case "GET": {
      const object = readable(bucket, key, user);
      const headers = { ETag: object.etag, "Last-Modified": new Date(object.modifiedMs).toUTCString() };
      if (operation.headers["if-none-match"] === object.etag) return { status: 304, headers, body: NO_BODY };
      return { status: 200, headers, body: object.bytes };
    }
    case "PUT":
      return put(operation, user, bucket, storage);
    case "DELETE":
      authorize(user, "s3:DeleteObject", key);
      bucket.delete(key);
      return { status: 204, headers: {}, body: NO_BODY };
    default:
      throw notImplemented(`${method} of an object`);
  }
}

function put(operation: Operation, user: User, bucket: Bucket, storage: Storage): Answer {
  const { key, headers, body } = operation;
  authorize(user, "s3:PutObject", key);
  // S3 does not reveal by If-Match what GetObject would not.
  if (headers["if-match"] !== undefined) authorize(user, "s3:GetObject", key);
  if (headers["content-length"] === undefined || headers["content-encoding"] !== undefined) {
    throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  const { etag } = putObject(bucket, key, body, headers, storage);
  return { status: 200, headers: { ETag: etag }, body: NO_BODY };
}

/** Without permission to list, a client must not learn which keys exist: 403 instead of 404. */
function readable(bucket: Bucket, key: string, user: User): StrictObject {
  authorize(user, "s3:GetObject", key);
  const object = bucket.get(key);
  if (object !== undefined) return object;
  throw isAllowed(user, "s3:ListBucket", key) ? noSuchKey(key) : accessDenied();
}
