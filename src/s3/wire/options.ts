import type { Clock, Random } from "../../ports.ts";
import type { Exchange, Network } from "./exchange.ts";

export interface S3Options {
  readonly clock: Clock;
  /** Randomises the waits between tries. */
  readonly random: Random;
  readonly limits?: Partial<S3Limits>;
  readonly sleep?: Sleep;
  /** The User-Agent of each request. Default: `vsync`. */
  readonly userAgent?: string;
  /** Finds the platform's own credentials if the location's are `ambient`. */
  readonly ambient?: FindKeys;
  readonly network?: Network;
  /** Sends a request. Default: over the network. */
  readonly exchange?: Exchange;
}

/** The limits of one call. A write whose response was lost may take as long again to find out what happened. */
export interface S3Limits {
  /** The most tries of a request if the server or the network fails. */
  readonly attempts: number;
  /** The most tries if the server only asks for time (503 SlowDown): enough to use up the deadline. */
  readonly throttledAttempts: number;
  /** For name resolution, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** For a read's response to start, and for each next byte. Three of these fit into the 30 s of `Vsync.open`. */
  readonly readTimeoutMs: number;
  /** For a write's response, not counting the time that its bytes take at 64 KiB/s. */
  readonly answerTimeoutMs: number;
  /** For all pages of one listing, not counting the time between them. */
  readonly listingMs: number;
  /** The most keys of one listing. The default is far more than any vault has: a commit a minute for two years. */
  readonly listingKeys: number;
  /** For all tries and the waits between them, not counting the time that a body's bytes take. */
  readonly deadlineMs: number;
}

/** Rejects when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const DEFAULT_LIMITS: S3Limits = {
  attempts: 5,
  throttledAttempts: 50,
  connectTimeoutMs: 5_000,
  readTimeoutMs: 8_000,
  answerTimeoutMs: 15_000,
  listingMs: 300_000,
  listingKeys: 1_000_000,
  deadlineMs: 60_000,
};

/** A slower transfer fails. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;

export function transferMs(bytes: number): number {
  return (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
}

/** Text that cannot be printed by accident, such as a `Secret`. */
export interface HiddenText {
  exposeText(): string;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: HiddenText;
  readonly sessionToken?: HiddenText;
}

/**
 * Looks for the platform's own credentials, until the signal aborts.
 *
 * @throws CredentialsError none were found
 */
export type FindKeys = (region: string, signal: AbortSignal) => Promise<S3Credentials>;

/** What a bucket's owner requires of requests, besides credentials. */
export interface BucketTerms {
  /** The KMS key with which the server should encrypt what vsync writes: its ARN, id, alias or name. */
  readonly kmsKey?: string | undefined;
  /** With `kmsKey`: the server derives keys from one key per bucket (S3 Bucket Keys). */
  readonly bucketKey?: true | undefined;
  /** Requests agree to pay; otherwise a Requester Pays bucket refuses them. */
  readonly requesterPays?: true | undefined;
}

export interface S3Location extends BucketTerms {
  /** `https://…` or `http://…`, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in `/`, or is empty. */
  readonly prefix: string;
  /** `ambient`: the platform's own credential chain. */
  readonly credentials: S3Credentials | "ambient";
}

export function labelOf({ bucket, prefix }: S3Location): string {
  return `s3://${bucket}/${prefix}`;
}

export function hostOf({ endpoint }: S3Location): string {
  return new URL(endpoint).host;
}
