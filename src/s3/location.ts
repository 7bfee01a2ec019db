/** Text that does not print itself; `Secret` is one. */
export interface HiddenText {
  exposeText(): string;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: HiddenText;
  readonly sessionToken?: HiddenText;
}

export interface S3Location {
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

/** AWS wants the bucket in the host name; everyone else understands it in the path, and not all of them elsewhere. */
export function wantsPathStyle({ endpoint }: S3Location): boolean {
  return !/(^|\.)(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(new URL(endpoint).hostname);
}
