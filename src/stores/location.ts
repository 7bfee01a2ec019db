import type { Secret } from "../crypto/secret.ts";
import type { BucketTerms, S3Credentials, S3Location } from "../s3/wire/options.ts";

export interface AccessKey extends S3Credentials {
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** `ambient`: the platform's own credential chain. A directory store always has it. */
export type Credentials = AccessKey | "ambient";

/** Where a vault is, in a bucket or (with an endpoint `file:///…`) in a directory, and which credentials to use there. */
export interface StoreLocation extends S3Location {
  readonly credentials: Credentials;
}

/** All three terms, including undefined ones, so spreading them over another location replaces its own. */
export function termsOf({ kmsKey, bucketKey, requesterPays }: BucketTerms): Required<BucketTerms> {
  return { kmsKey, bucketKey, requesterPays };
}

/** Only the terms that are set, for a file or a token. */
export function presentTerms({ kmsKey, bucketKey, requesterPays }: BucketTerms) {
  return {
    ...(kmsKey === undefined ? {} : { kmsKey }),
    ...(bucketKey && { bucketKey }),
    ...(requesterPays && { requesterPays }),
  };
}

type Bucket = Pick<StoreLocation, "endpoint" | "bucket">;

export function isSameBucket(one: Bucket, other: Bucket): boolean {
  return one.endpoint === other.endpoint && one.bucket === other.bucket;
}

export function isSamePlace(one: Bucket & { prefix: string }, other: Bucket & { prefix: string }): boolean {
  return isSameBucket(one, other) && one.prefix === other.prefix;
}
