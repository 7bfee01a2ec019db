import type { Bucket } from "./buckets.ts";
import { notImplemented, S3Error } from "./s3-error.ts";
import { document, element } from "./xml.ts";

const PAGE_LIMIT = 1000;
const KNOWN = ["list-type", "prefix", "start-after", "continuation-token", "max-keys", "encoding-type", "x-id"];

/** ListObjectsV2, without delimiters. */
export function listObjects(name: string, bucket: Bucket, query: URLSearchParams): string {
  for (const parameter of query.keys()) if (!KNOWN.includes(parameter)) throw notImplemented(parameter);
  const maxKeys = pageSize(query.get("max-keys"));
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const keys = sortedKeys(bucket, query.get("prefix") ?? "", after);
  const page = keys.slice(0, maxKeys);
  const isTruncated = keys.length > page.length;
  const isEncoded = query.get("encoding-type") === "url";
  const encode = (key: string): string => (isEncoded ? encodeURIComponent(key).replaceAll("%20", "+") : key);
  return document(
    "ListBucketResult",
    [
      element("Name", name),
      element("Prefix", encode(query.get("prefix") ?? "")),
      element("KeyCount", String(page.length)),
      element("MaxKeys", String(maxKeys)),
      element("IsTruncated", String(isTruncated)),
      isEncoded ? element("EncodingType", "url") : "",
      isTruncated ? element("NextContinuationToken", page.at(-1) ?? "") : "",
      ...page.map((key) => `<Contents>${element("Key", encode(key))}${contents(bucket, key)}</Contents>`),
    ].join(""),
  );
}

function contents(bucket: Bucket, key: string): string {
  const object = bucket.get(key);
  if (object === undefined) return "";
  return [
    element("LastModified", new Date(object.modifiedMs).toISOString()),
    element("ETag", object.etag),
    element("Size", String(object.bytes.length)),
  ].join("");
}

function sortedKeys(bucket: Bucket, prefix: string, after: string): string[] {
  return [...bucket.keys()].filter((key) => key.startsWith(prefix) && bytewise(key, after) > 0).toSorted(bytewise);
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function pageSize(requested: string | null): number {
  const size = Number(requested ?? PAGE_LIMIT);
  if (!Number.isInteger(size) || size < 0) throw new S3Error(400, "InvalidArgument", "max-keys is not a number");
  return Math.min(size, PAGE_LIMIT);
}
