/** What the rows that have bars are called, apart from what measures them: the pages need only the names. */
export const OPEN_SCOPED = "open with a scoped token";
export const SCOPED = "scoped token";
/** The group of `run --redact`. */
export const REDACTED = "run --redact";
export const ACCESS_TOKENS = "access tokens";
/** How often one row calls its work. */
export const AUTHORIZED = 10_000;
export const VERIFIED = 1_000;
/** An origin beside npm's @farthershore/backend. */
export const SIGNED_REQUESTS = "signed requests";
export const REQUESTS = 1_000;
/** The signatures of as many requests, and nothing else. */
export const SIGNATURES_ALONE = "crypto.verify alone";
/** After the start of an origin, over S3. */
export const FIRST_REQUEST = "first request of an origin";
export const UNSIGNED_SMALL = "refuse 1 KiB without a signature";
export const UNSIGNED_LARGE = "refuse 10 MiB without a signature";
/** The group of what apps used. */
export const USAGE = "usage";
export const USAGE_REPORTED = 1_000;
export const SCOPED_MEMORY = "memory of a scoped token over S3";
export const IDLE = "idle";
/** A new process that opens over S3. */
export const COLD_START = "cold start over S3";
/** `Vsync.open()` of a vault with many secrets. */
export const LARGE_OPEN = "Vsync.open of many secrets";
export const QUICKSTART = "quickstart";
export const INSTALLED = "`npm install vsync`";
export const BINARY_SIZE = "binary";
