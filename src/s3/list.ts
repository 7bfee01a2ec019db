import { S3UnreachableError } from "../errors.ts";
import type { ListOptions } from "../ports.ts";
import { isWebPage, wholeBody } from "./bodies.ts";
import type { Connection } from "./connection.ts";
import { NoListingError, WebPageError } from "./failure.ts";
import type { XmlDocument } from "./xml.ts";

/** A thousand keys of vaults have about 300 KB. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/**
 * The keys below a prefix, in order.
 *
 * @throws VsyncError the server refuses, fails, lists out of order or does not come to an end
 */
export async function* listKeys(
  connection: Connection,
  keyPrefix: string,
  options: ListOptions,
): AsyncGenerator<string> {
  const { prefix } = connection.location;
  let after = options.startAfter === undefined ? undefined : `${prefix}${options.startAfter}`;
  let keys = 0;
  let spentMs = 0;
  for (;;) {
    const askedMs = connection.nowMs();
    const page = await fetchPage(connection, keyPrefix, after, options.signal);
    spentMs += connection.nowMs() - askedMs;
    keys += page.keys.length;
    if (!page.isLast && (spentMs > connection.limits.listingMs || keys >= connection.limits.listingKeys)) {
      throw endless(connection, keyPrefix, keys);
    }
    for (const key of page.keys) {
      if (!key.startsWith(`${prefix}${keyPrefix}`) || (after !== undefined && !isBefore(after, key))) {
        throw disorder(connection, keyPrefix);
      }
      after = key;
      yield key.slice(prefix.length);
    }
    if (page.isLast) return;
    if (page.keys.length === 0) throw disorder(connection, keyPrefix);
  }
}

interface Page {
  readonly keys: readonly string[];
  readonly isLast: boolean;
}

async function fetchPage(
  connection: Connection,
  keyPrefix: string,
  after: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const { prefix } = connection.location;
  const query = {
    "list-type": "2",
    prefix: `${prefix}${keyPrefix}`,
    // A key may hold characters that XML cannot.
    "encoding-type": "url",
    // Not the continuation token: "after this key" means the same however the bucket has changed meanwhile.
    ...(after !== undefined && { "start-after": after }),
  };
  using call = connection.call("list", keyPrefix, { signal });
  const attempt = await call.retrying(async (sending) => {
    const { headers, body } = await connection.send({ method: "GET", query }, sending);
    const bytes = await wholeBody(body, MAX_PAGE_BYTES);
    const { XmlDocument } = await import("./xml.ts");
    const listing = XmlDocument.read(bytes, "ListBucketResult");
    if (listing === null) throw isWebPage(headers, bytes) ? new WebPageError() : new NoListingError();
    return { keys: keysOf(listing), isLast: listing.text("IsTruncated") !== "true" };
  });
  if (!attempt.done) throw attempt.failure.error;
  return attempt.value;
}

function keysOf(listing: XmlDocument): readonly string[] {
  const keys = listing.texts("Contents", "Key");
  // A server that does not encode leaves EncodingType out.
  if (listing.text("EncodingType") !== "url") return keys;
  return keys.map((key) => decodeURIComponent(key.replaceAll("+", " ")));
}

function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

/** To go on from the last key would skip keys, or never end. */
function disorder(connection: Connection, keyPrefix: string): S3UnreachableError {
  const message = `cannot list ${connection.name(keyPrefix)}: the server does not list keys in their order`;
  return new S3UnreachableError(message, { hint: "use a store that lists in order; S3 directory buckets do not" });
}

function endless(connection: Connection, keyPrefix: string, keys: number): S3UnreachableError {
  const message = `cannot list ${connection.name(keyPrefix)}: no end after ${keys} keys`;
  return new S3UnreachableError(message, { hint: "check who can write the bucket, and its server" });
}
