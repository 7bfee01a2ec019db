/** What the rows that have bars are called, apart from what measures them: the pages need only the names. */
export const OPEN_SCOPED = "open with a scoped token";
export const SCOPED = "scoped token";
/** The group of `run --redact`. */
export const REDACTED = "run --redact";
export const ACCESS_TOKENS = "access tokens";
/** How often one row calls its work. */
export const AUTHORIZED = 10_000;
export const VERIFIED = 1_000;
