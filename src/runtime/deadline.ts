import { S3UnreachableError } from "../errors.ts";

export interface Limits {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * Runs `work` until it ends, the caller aborts, or the time is up. In the last two cases it rejects at once, even if
 * the work cannot stop. A late result goes to `discard`.
 *
 * @throws the signal's reason
 * @throws S3UnreachableError the time is up
 */
export async function withDeadline<T>(
  { signal, timeoutMs }: Limits,
  work: (signal: AbortSignal) => Promise<T>,
  discard: (late: T) => void,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const relay = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", relay);
  const timer = setTimeout(() => controller.abort(timeOver(timeoutMs)), timeoutMs);
  const working = work(controller.signal);
  try {
    return await Promise.race([working, rejectionOf(controller.signal)]);
  } catch (error) {
    working.then(discard, () => {
      // The caller already knows why.
    });
    // The reason says more than the error that aborted work throws.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", relay);
  }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason));
  return promise;
}

function timeOver(timeoutMs: number): S3UnreachableError {
  return new S3UnreachableError(`the vault did not open within ${timeoutMs} ms`, {
    hint: "check with `vsync status --remote` whether the store answers, or give Vsync.open a longer timeoutMs",
  });
}
