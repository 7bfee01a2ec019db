/**
 * Whether this runs in a Worker of Cloudflare. There a request's work ends with the request: do not share its promises
 * with other requests, and give work that nobody awaits to `ctx.waitUntil`.
 */
export function inWorkers(): boolean {
  return (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
}

/** Keeps work going that nobody waits for: `ctx.waitUntil` of a Worker. */
export type WaitUntil = (work: Promise<unknown>) => void;
