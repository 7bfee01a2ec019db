import { InputError } from "../../errors.ts";
import { isAwsHost } from "./aws.ts";
import type { S3Location } from "./options.ts";

type Place = Pick<S3Location, "endpoint" | "bucket">;

/** @param bucket from `bucketUrl` */
export function urlOf(bucket: string, key: string): URL {
  return new URL(`${bucket}/${key.split("/").map(encoded).join("/")}`);
}

/**
 * The URL without a trailing slash. AWS wants the bucket in the host name; all other servers accept it in the path, and
 * some only there.
 */
export function bucketUrl({ endpoint, bucket }: Place): string {
  const { protocol, host, pathname } = new URL(endpoint);
  const base = pathname.replace(/\/$/, "");
  if (wantsPathStyle({ endpoint, bucket })) return `${protocol}//${host}${base}/${encoded(bucket)}`;
  return `${protocol}//${bucket}.${host}${base}`;
}

/** A certificate for `*.s3.…` does not cover a bucket whose name has a dot. */
function wantsPathStyle({ endpoint, bucket }: Place): boolean {
  return !isAwsHost(new URL(endpoint).hostname) || !/^[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(bucket);
}

/** Percent-encodes all but unreserved characters, as SigV4 does (RFC 3986 §2.3). */
export function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * @throws InputError the bucket cannot hold a vault, or is named in another way than by its name
 */
export function requireUsable({ endpoint, bucket }: Place): void {
  const { hostname, pathname } = new URL(endpoint);
  if (/^arn:/i.test(bucket)) {
    throw new InputError(`${bucket} is an ARN, which vsync does not resolve`, {
      hint: "give the bucket's own name, or an access point's alias, which ends in -s3alias",
    });
  }
  if (bucket.endsWith("--x-s3")) {
    throw new InputError(`${bucket} is a directory bucket (S3 Express One Zone), which does not list in order`, {
      hint: "use a general purpose bucket",
    });
  }
  if (/[:?#@\\\s]/.test(bucket)) {
    throw new InputError(`${bucket} cannot be the name of a bucket`, {
      hint: "give the bucket's own name, as in acme-secrets",
    });
  }
  if (pathname.split("/").at(-1) === encoded(bucket)) {
    const without = endpoint.slice(0, endpoint.lastIndexOf("/"));
    throw new InputError(`the endpoint ${endpoint} ends in the bucket's name, which would then be there twice`, {
      hint: `give --endpoint=${without} --bucket=${bucket}`,
    });
  }
  if (isAwsHost(hostname) && hostname.startsWith(`${bucket}.s3`)) {
    throw new InputError(`the endpoint ${endpoint} begins with the bucket's name, which would then be there twice`, {
      hint: `give --endpoint=${endpoint.replace(`${bucket}.`, "")} --bucket=${bucket}`,
    });
  }
}
