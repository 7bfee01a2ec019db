import type { Page } from "./commands.ts";
import { readFailure } from "./wire/answers.ts";
import { Connection } from "./wire/connection.ts";
import { datedMs, skewMs } from "./wire/dates.ts";
import { type HttpAnswer, networkExchange } from "./wire/exchange.ts";
import { type Answer, answerIn } from "./wire/failure.ts";
import { hostOf, labelOf, type S3Location, type S3Options } from "./wire/options.ts";
import { startDeadline, untilAborted } from "./wire/time-limit.ts";

/** What one HEAD of an object reveals about the credentials that were sent with it. */
export type ReadProof =
  | { readonly kind: "readable" }
  | { readonly kind: "absent" }
  /** 401 or 403; also for a missing key, if the credentials may not list. `serverMs` is the response's date. */
  | { readonly kind: "refused"; readonly serverMs: number | null };

/**
 * Sends exactly one HEAD. Any 200 counts, even without an ETag, and so does a 304 from a cache.
 *
 * @throws AccessDeniedError ambient credentials are missing, or the session token has expired
 * @throws S3UnreachableError any other failure
 */
export async function proveRead(location: S3Location, key: string, options: S3Options): Promise<ReadProof> {
  const connection = new Connection(location, options);
  let answer: Answer | undefined;
  using call = connection.call("read", key);
  const attempt = await call.attempt(async (sending) => {
    try {
      await connection.readHead(key, sending);
    } catch (error) {
      answer = answerIn(error);
      throw error;
    }
  });
  if (attempt.done || answer?.status === 304) return { kind: "readable" };
  if (attempt.failure.kind === "absent") return { kind: "absent" };
  if (answer?.status === 401 || answer?.status === 403) return { kind: "refused", serverMs: datedMs(answer) };
  throw attempt.failure.error;
}

/**
 * Lists the first thousand keys and folders directly under a prefix of the bucket. Some servers have no folders and
 * list all keys under it.
 *
 * @throws AccessDeniedError, S3UnreachableError
 */
export async function listBelow(location: S3Location, options: S3Options): Promise<Pick<Page, "keys" | "folders">> {
  const { listObjects } = await import("./commands.ts");
  const connection = new Connection(location, options);
  using call = connection.call("list", "");
  const attempt = await call.attempt((sending) =>
    listObjects(connection, location.prefix, { delimiter: "/" }, sending),
  );
  if (!attempt.done) throw attempt.failure.error;
  return attempt.value;
}

interface ClockOptions extends Pick<S3Options, "clock" | "network" | "exchange"> {
  readonly timeoutMs: number;
}

/**
 * How far the server's clock is ahead of this machine's, in milliseconds; null if the server does not date its
 * responses. Accurate to a second, like a Date header (RFC 9110 §5.6.7). Sends no credentials.
 *
 * @throws S3UnreachableError no response came
 */
export async function measureClockSkewMs(location: S3Location, options: ClockOptions): Promise<number | null> {
  return skewMs(await askUnsigned(location, options), options.clock.nowMs());
}

async function askUnsigned(
  location: S3Location,
  { clock, network, exchange, timeoutMs }: ClockOptions,
): Promise<Pick<HttpAnswer, "headers">> {
  try {
    const send = exchange ?? networkExchange(timeoutMs, network);
    const request = { method: "HEAD", url: new URL(location.endpoint), headers: {} } as const;
    using limit = startDeadline(timeoutMs);
    const answer = await untilAborted(limit.signal, (signal) => send(request, signal));
    answer.body.resume();
    return answer;
  } catch (error) {
    const { bucket, region } = location;
    const inquiry = { action: `reach ${labelOf(location)}`, bucket, region, host: hostOf(location), mayExpire: false };
    throw readFailure(error, { ...inquiry, network, nowMs: clock.nowMs() }).error;
  }
}
