import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Logger, pino } from "pino";
import { REQUESTS, RETRIES } from "../../s3/wire/trace.ts";
import type { Output } from "../terminal/output.ts";

/** Structured logs. Never log a secret. */
export type Log = Pick<Logger, "error" | "info"> & Disposable;

/** Logs on stderr, one JSON object per line, and until its disposal also each request to a bucket. */
export function startLog(level: string, output: Output): Log {
  const logger = pino({ level, base: null }, { write: (line) => output.log(line) });
  const onRequest = (request: unknown): void => logger.debug(request, "request");
  const onRetry = (retry: unknown): void => logger.warn(retry, "trying again");
  subscribe(REQUESTS.name, onRequest);
  subscribe(RETRIES.name, onRetry);
  return Object.assign(logger, {
    [Symbol.dispose]() {
      unsubscribe(REQUESTS.name, onRequest);
      unsubscribe(RETRIES.name, onRetry);
    },
  });
}
