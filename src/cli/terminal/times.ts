/** S3 refuses requests whose date is further from its own clock. */
export const ACCEPTED_SKEW_MS = 15 * 60_000;

/**
 * Both clocks, for a message. `nowMs` is in milliseconds since the epoch, and `skewMs` is how far the server is ahead.
 */
export function clockTimes(nowMs: number, skewMs: number): string {
  return `this machine's clock says ${isoTime(nowMs)}, the server's ${isoTime(nowMs + skewMs)}`;
}

/** To the second, like a Date header. */
function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, "Z");
}
