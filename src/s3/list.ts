import { S3UnreachableError } from "../errors.ts";
import type { ListOptions } from "../ports.ts";
import type { Page } from "./commands.ts";
import type { Connection } from "./wire/connection.ts";

/**
 * The keys under a prefix, in order.
 *
 * @throws VsyncError the server refuses, fails, lists out of order or never ends
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

async function fetchPage(
  connection: Connection,
  keyPrefix: string,
  after: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const { listObjects } = await import("./commands.ts");
  using call = connection.call("list", keyPrefix, { signal });
  const prefix = `${connection.location.prefix}${keyPrefix}`;
  const attempt = await call.retrying((sending) => listObjects(connection, prefix, { after }, sending));
  if (!attempt.done) throw attempt.failure.error;
  return attempt.value;
}

function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

/** Continuing after the last key would skip keys, or never end. */
function disorder(connection: Connection, keyPrefix: string): S3UnreachableError {
  const message = `cannot list ${connection.name(keyPrefix)}: the server does not list keys in their order`;
  return new S3UnreachableError(message, { hint: "use a store that lists in order; S3 directory buckets do not" });
}

function endless(connection: Connection, keyPrefix: string, keys: number): S3UnreachableError {
  const message = `cannot list ${connection.name(keyPrefix)}: no end after ${keys} keys`;
  return new S3UnreachableError(message, { hint: "check who can write to the bucket, and its server" });
}
