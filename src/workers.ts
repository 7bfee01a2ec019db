/**
 * Whether this runs in a Cloudflare Worker. There, a request's work ends with the request: do not share its promises
 * with other requests, and pass work that you do not await to `ctx.waitUntil`.
 */
export function inWorkers(): boolean {
  return (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
}

/** Keeps work alive that nobody awaits: `ctx.waitUntil` of a Worker. */
export type WaitUntil = (work: Promise<unknown>) => void;
