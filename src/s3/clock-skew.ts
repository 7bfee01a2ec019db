import type { Clock } from "../ports.ts";
import { readFailure } from "./answers.ts";
import { hostOf, labelOf, type S3Location } from "./options.ts";

/**
 * How far the server's clock is ahead of this machine's, in milliseconds; null where the server does not date its
 * answers. To the second, as a Date header is. Needs no credentials, and sends none.
 *
 * @throws S3UnreachableError there is no answer
 */
export async function measureClockSkewMs(
  location: S3Location,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<number | null> {
  const date = await fetchDate(location, clock, timeoutMs);
  const serverMs = Date.parse(date ?? "");
  return Number.isNaN(serverMs) ? null : serverMs - Math.floor(clock.nowMs() / 1000) * 1000;
}

async function fetchDate(location: S3Location, clock: Clock, timeoutMs: number): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(location.endpoint, { method: "HEAD", redirect: "manual", signal });
    return answer.headers.get("date");
  } catch (error) {
    const { bucket, region } = location;
    const inquiry = { action: `reach ${labelOf(location)}`, bucket, region, host: hostOf(location), mayExpire: false };
    // `fetch` says what happened only in the cause of its error.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw readFailure(cause, { ...inquiry, nowMs: clock.nowMs() }).error;
  }
}
