import type { Bucket } from "./buckets.ts";
import { notImplemented, S3Error } from "./s3-error.ts";
import { document, element } from "./xml.ts";

const PAGE_LIMIT = 1000;
const KNOWN = [
  "list-type",
  "prefix",
  "start-after",
  "continuation-token",
  "max-keys",
  "encoding-type",
  "delimiter",
  "x-id",
];

/** ListObjectsV2. With a delimiter, a folder stands for the keys below it and counts as one, as AWS says. */
export function listObjects(name: string, bucket: Bucket, query: URLSearchParams): string {
  for (const parameter of query.keys()) if (!KNOWN.includes(parameter)) throw notImplemented(parameter);
  const maxKeys = pageSize(query.get("max-keys"));
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keys = [...new Set(sortedKeys(bucket, prefix, after).map((key) => folded(key, prefix, delimiter)))];
  const page = keys.slice(0, maxKeys);
  const isTruncated = keys.length > page.length;
  const isFolder = (key: string): boolean => delimiter !== "" && key.endsWith(delimiter) && !bucket.has(key);
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
      ...page
        .filter((key) => !isFolder(key))
        .map((key) => `<Contents>${element("Key", encode(key))}${contents(bucket, key)}</Contents>`),
      ...page.filter(isFolder).map((key) => `<CommonPrefixes>${element("Prefix", encode(key))}</CommonPrefixes>`),
    ].join(""),
  );
}

function folded(key: string, prefix: string, delimiter: string): string {
  const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
  return at === -1 ? key : key.slice(0, at + delimiter.length);
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

/**
 * UTF-16 orders strings as UTF-8 does, except for surrogates. Comparing ten thousand keys as bytes took 7 ms: a tenth
 * of a commit, in the bench.
 */
function bytewise(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a === b ? 0 : a < b ? -1 : 1;
}

const SURROGATE = /[\ud800-\udfff]/;

function pageSize(requested: string | null): number {
  const size = Number(requested ?? PAGE_LIMIT);
  if (!Number.isInteger(size) || size < 0) throw new S3Error(400, "InvalidArgument", "max-keys is not a number");
  return Math.min(size, PAGE_LIMIT);
}
