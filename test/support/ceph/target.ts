import { connect } from "node:net";
import { text } from "node:stream/consumers";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A real S3 server that the suite may write to, and its administrator's keys. */
export interface S3Target extends S3Keys {
  /** Its name in test titles. */
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  /** The bucket that all tests must share; by default, each creates its own. */
  readonly bucket?: string;
  /** The administrator's name in policies. */
  readonly arn?: string;
  /** A second user, who may do nothing without a bucket policy. */
  readonly reader?: S3Keys & { readonly arn: string };
  /**
   * Set while the server may be starting: a connection to this port ends once it serves, or gets the reason why it does
   * not.
   */
  readonly readyPort?: number;
}

declare module "vitest" {
  export interface ProvidedContext {
    /** The real S3 server of this run, or null: see `test/support/global-setup.ts`. */
    s3: S3Target | null;
  }
}

/** The SDK's own client, for buckets and policies, which the store under test cannot handle. */
export function adminClient(target: S3Target): S3Client {
  const { accessKeyId, secretAccessKey, endpoint, region } = target;
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}

/**
 * A bucket for one test file: the target's only one, or a new one called `name`. Waits for a server that is starting, so
 * every test on it begins with this.
 */
export async function createBucket(target: S3Target, name: string): Promise<string> {
  if (target.readyPort !== undefined) {
    const fault = await text(connect(target.readyPort, "127.0.0.1"));
    if (fault !== "") throw new Error(fault);
  }
  if (target.bucket !== undefined) return target.bucket;
  await adminClient(target).send(new CreateBucketCommand({ Bucket: name }));
  return name;
}

export interface PolicyStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Principal: { readonly AWS: readonly string[] };
}

export async function putBucketPolicy(target: S3Target, bucket: string, statements: PolicyStatement[]): Promise<void> {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  await adminClient(target).send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy }));
}

export async function enableVersioning(target: S3Target, bucket: string): Promise<void> {
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await adminClient(target).send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
}

/** Removes what a test has left below `prefix`, one request per key, because some servers lack DeleteObjects. */
export async function emptyPrefix(target: S3Target, bucket: string, prefix: string): Promise<void> {
  const client = adminClient(target);
  for (;;) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 50 }));
    const keys = (page.Contents ?? []).map(({ Key }) => Key);
    if (keys.length === 0) return;
    await Promise.all(keys.map((Key) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))));
  }
}
