import type { Operation } from "./operations.ts";
import { accessDenied, S3Error } from "./s3-error.ts";

/** The requirements of the bucket's owner. A test may change them while the server runs. */
export interface BucketTerms {
  /** Requester pays: a request that does not accept this is refused. */
  requesterPays?: boolean;
  /** A bucket policy refuses a write that does not ask for SSE-KMS with this key. */
  kmsKey?: string;
  /** The policy also requires S3 Bucket Keys. */
  bucketKey?: boolean;
}

const SSE = "x-amz-server-side-encryption";

/** Amazon S3 User Guide, "Using Requester Pays general purpose buckets" and "Specifying server-side encryption with AWS KMS". */
export function checkTerms({ method, headers }: Operation, { requesterPays, kmsKey, bucketKey }: BucketTerms): void {
  if (requesterPays && headers["x-amz-request-payer"] !== "requester") throw accessDenied();
  const asked = Object.keys(headers).filter((name) => name.startsWith(SSE));
  if (method !== "PUT" && asked.length > 0) {
    const message = `${SSE} header is not supported for this operation.`;
    throw new S3Error(400, "InvalidArgument", message, { fields: { ArgumentName: SSE } });
  }
  if (method !== "PUT" || kmsKey === undefined) return;
  const isAsked = headers[SSE] === "aws:kms" && headers[`${SSE}-aws-kms-key-id`] === kmsKey;
  const isDerived = headers[`${SSE}-bucket-key-enabled`] === "true";
  if (!isAsked || (bucketKey && !isDerived)) throw accessDenied();
}
