import { channel } from "node:diagnostics_channel";
import type { HttpAnswer, HttpRequest } from "./exchange.ts";

/** One request, once its response has begun or it has failed. */
export interface TracedRequest {
  readonly method: string;
  /** Contains no credential: vsync signs in headers. */
  readonly url: string;
  /** Null if no response came. */
  readonly status: number | null;
  /** Until the response began or the request failed, in milliseconds. */
  readonly ms: number;
  /** What the service calls the request; its support asks for it. */
  readonly requestId: string | undefined;
}

/** The wait before another try. */
export interface TracedRetry {
  readonly waitMs: number;
  /** The failure's message. */
  readonly reason: string;
}

/** Without a listener, a request costs nothing more. `--log-level` listens. */
export const REQUESTS = channel("vsync:request");
export const RETRIES = channel("vsync:retry");

export function traceRequest({ method, url }: HttpRequest, answer: HttpAnswer | undefined, ms: number): void {
  if (!REQUESTS.hasSubscribers) return;
  const { status = null, headers } = answer ?? {};
  const traced: TracedRequest = {
    method,
    url: `${url.origin}${url.pathname}${url.search}`,
    status,
    ms,
    requestId: headers?.["x-amz-request-id"],
  };
  REQUESTS.publish(traced);
}

export function traceRetry(retry: TracedRetry): void {
  if (RETRIES.hasSubscribers) RETRIES.publish(retry);
}
