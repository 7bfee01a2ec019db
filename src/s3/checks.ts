import { HeadObjectCommand } from "@aws-sdk/client-s3";
import type { Clock } from "../ports.ts";
import { readFailure } from "./answers.ts";
import { Connection } from "./connection.ts";
import { skewMs } from "./dates.ts";
import { type Answer, answerIn, datedMs } from "./failure.ts";
import { hostOf, labelOf, type S3Location, type S3Options } from "./options.ts";

/** What one HEAD of an object tells about the credentials it was sent with. */
export type ReadProof =
  | { readonly kind: "readable" }
  | { readonly kind: "absent" }
  /** 401 or 403, which a missing key gives too if they may not list. `serverMs`: the date of the answer. */
  | { readonly kind: "refused"; readonly serverMs: number | null };

/**
 * Sends exactly one HEAD. Any 200 counts, even without an ETag, and so does a cache's 304.
 *
 * @throws AccessDeniedError ambient credentials are missing, or the session token has expired
 * @throws S3UnreachableError anything else
 */
export async function proveRead(location: S3Location, key: string, options: S3Options): Promise<ReadProof> {
  const connection = new Connection(location, options);
  let answer: Answer | undefined;
  using call = connection.call("read", key);
  const attempt = await call.attempt(async (abortSignal) => {
    try {
      await connection.client.send(new HeadObjectCommand(connection.address(key)), { abortSignal });
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
 * How far the server's clock is ahead of this machine's, in milliseconds; null if the server does not date its answers.
 * Accurate to a second, as a Date header is. Sends no credentials.
 *
 * @throws S3UnreachableError no answer came
 */
export async function measureClockSkewMs(
  location: S3Location,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<number | null> {
  const date = await fetchDate(location, clock, timeoutMs);
  const serverMs = Date.parse(date ?? "");
  return Number.isNaN(serverMs) ? null : skewMs(serverMs, clock.nowMs());
}

async function fetchDate(location: S3Location, clock: Clock, timeoutMs: number): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(location.endpoint, { method: "HEAD", redirect: "manual", signal });
    return answer.headers.get("date");
  } catch (error) {
    const { bucket, region } = location;
    const inquiry = { action: `reach ${labelOf(location)}`, bucket, region, host: hostOf(location), mayExpire: false };
    // `fetch` hides the reason in its error's cause.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw readFailure(cause, { ...inquiry, nowMs: clock.nowMs() }).error;
  }
}
