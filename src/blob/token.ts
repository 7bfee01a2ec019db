/** The runtime token's fields (`docs/format.md` §2), under the names that stand in its JSON. */
export interface RuntimeToken {
  readonly v: 1;
  /** `https://…`, `http://…` or `file:///…`, no trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly prefix: string;
  readonly env: string;
  /** Standard base64. A hint, like the four below: the manifest is the authority. */
  readonly salt: string;
  /** Argon2id passes. */
  readonly iterations: number;
  readonly kdf?: "argon2id";
  readonly memoryKiB?: number;
  readonly parallelism?: number;
  readonly vault?: string;
  /** A reader refuses an older generation. */
  readonly minGen?: number;
  /** The platform's own credential chain; then there are no keys. */
  readonly credentials?: "ambient";
}

export const TOKEN_ENVELOPE = "vsync-cfg-v1:";
/** Of the JSON. */
export const MAX_TOKEN_BYTES = 64 * 1024;

/** The order in which writers emit the fields. */
export const TOKEN_FIELDS = [
  "v",
  "endpoint",
  "region",
  "bucket",
  "accessKeyId",
  "secretAccessKey",
  "sessionToken",
  "prefix",
  "env",
  "salt",
  "iterations",
  "kdf",
  "memoryKiB",
  "parallelism",
  "vault",
  "minGen",
  "credentials",
] as const satisfies readonly (keyof RuntimeToken)[];
