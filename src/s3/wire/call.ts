import { setTimeout } from "node:timers/promises";
import type { Random } from "../../ports.ts";
import { readFailure } from "./answers.ts";
import type { Failure, Inquiry } from "./failure.ts";
import type { Keys, PrepareKeys } from "./keys.ts";
import { DEFAULT_LIMITS, type S3Limits, type S3Options, transferMs } from "./options.ts";
import { type Deadline, startDeadline, untilAborted } from "./time-limit.ts";
import { traceRetry } from "./trace.ts";

export type Attempt<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly failure: Failure };

/** What each try of a request gets. */
export interface Sending {
  readonly keys: Keys;
  readonly signal: AbortSignal;
}

/** One request. `signOfLife` restarts the time limit. */
export type Send<T> = (sending: Sending, signOfLife: () => void) => Promise<T>;

export interface CallBounds {
  /** The most bytes that come back. */
  readonly receives?: number;
  /** How many bytes a write sends. */
  readonly sends?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One call of the store: its tries, the waits between them, and a time limit for them all. */
export class Call implements Disposable {
  readonly #inquiry: () => Inquiry;
  readonly #prepare: PrepareKeys;
  readonly #options: S3Options;
  readonly #limits: S3Limits;
  readonly #bounds: CallBounds;
  readonly #deadline: Deadline;
  readonly #backoff: Backoff;

  constructor(inquiry: () => Inquiry, prepare: PrepareKeys, options: S3Options, bounds: CallBounds = {}) {
    this.#inquiry = inquiry;
    this.#prepare = prepare;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#bounds = bounds;
    this.#backoff = new Backoff(this.#limits, options.random);
    const limitMs = this.#limits.deadlineMs + transferMs(bounds.sends ?? bounds.receives ?? 0);
    this.#deadline = startDeadline(limitMs, bounds.signal);
  }

  [Symbol.dispose](): void {
    this.#deadline[Symbol.dispose]();
  }

  /**
   * @throws only the reason of the caller's signal
   */
  async attempt<T>(send: Send<T>): Promise<Attempt<T>> {
    try {
      // Waiting for credentials must not count as the store's silence.
      const keys = await this.#prepare(this.#deadline.signal);
      using silence = startDeadline(this.#silenceMs, this.#deadline.signal);
      const restart = (): void => silence.restart();
      const work = (signal: AbortSignal): Promise<T> => send({ keys, signal }, restart);
      return { done: true, value: await untilAborted(silence.signal, work) };
    } catch (error) {
      this.#bounds.signal?.throwIfAborted();
      return { done: false, failure: readFailure(error, this.#inquiry()) };
    }
  }

  /** Whether to try again after this failure. Waits until it is time to. */
  async mayTryAgain(failure: Failure): Promise<boolean> {
    const waitMs = this.#backoff.waitMsAfter(failure);
    if (waitMs === null) return false;
    traceRetry({ waitMs, reason: failure.error.message });
    try {
      const sleep = this.#options.sleep ?? defaultSleep;
      const { signal } = this.#deadline;
      await untilAborted(signal, () => sleep(waitMs, signal));
      return true;
    } catch {
      this.#bounds.signal?.throwIfAborted();
      return false;
    }
  }

  /** Tries until one try succeeds or another would be pointless. */
  async retrying<T>(send: Send<T>): Promise<Attempt<T>> {
    for (;;) {
      const attempt = await this.attempt(send);
      if (attempt.done || !(await this.mayTryAgain(attempt.failure))) return attempt;
    }
  }

  /** Receiving a body shows signs of life; sending one does not. */
  get #silenceMs(): number {
    const { readTimeoutMs, answerTimeoutMs } = this.#limits;
    const { sends } = this.#bounds;
    return sends === undefined ? readTimeoutMs : answerTimeoutMs + transferMs(sends);
  }
}

async function defaultSleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal });
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3_000;

/** How often one call tries again, and how long it waits before that. */
export class Backoff {
  readonly #limits: Pick<S3Limits, "attempts" | "throttledAttempts">;
  readonly #random: Random;
  #failed = 0;
  #throttled = 0;

  constructor(limits: Pick<S3Limits, "attempts" | "throttledAttempts">, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** How long to wait after this failure, in milliseconds; null if it was the last try. */
  waitMsAfter(failure: Failure): number | null {
    if (!failure.isTransient) return null;
    if (failure.isThrottled) this.#throttled += 1;
    else this.#failed += 1;
    const isOver = this.#failed >= this.#limits.attempts || this.#throttled >= this.#limits.throttledAttempts;
    return isOver ? null : this.#waitMs();
  }

  /**
   * A random time below a bound that doubles with each failure. Drawing from the whole range ("full jitter") spreads
   * out a thousand machines that a server turned away at the same moment.
   */
  #waitMs(): number {
    const ceilingMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failed + this.#throttled - 1));
    const [a = 0, b = 0, c = 0, d = 0] = this.#random.bytes(4);
    return (ceilingMs * (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d + 1)) / 2 ** 32;
  }
}
