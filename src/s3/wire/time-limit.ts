/** No sign of life for too long. */
export class TimeLimitError extends Error {
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

export interface Deadline extends Disposable {
  /** Aborts with a {@link TimeLimitError} when the time is up, or with the reason of the followed signal. */
  readonly signal: AbortSignal;
  /** Restarts the time limit. */
  restart(): void;
}

/** Follows another signal more cheaply than `AbortSignal.any`, since its end is known: dispose of it. */
export function startDeadline(limitMs: number, followed?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new TimeLimitError(limitMs)), limitMs);
  const follow = (): void => controller.abort(followed?.reason);
  if (followed?.aborted) follow();
  followed?.addEventListener("abort", follow);
  return {
    signal: controller.signal,
    restart: () => void timer.refresh(),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      followed?.removeEventListener("abort", follow);
    },
  };
}

/** Runs `work`, and rejects with the signal's reason as soon as it aborts, even if the work ignores it. */
export async function untilAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
