import { setTimeout } from "node:timers/promises";
import { readFailure } from "./answers.ts";
import { Backoff } from "./backoff.ts";
import type { Failure, Inquiry } from "./failure.ts";
import { DEFAULT_LIMITS, type S3Limits, type S3Options, transferMs } from "./options.ts";
import { type Deadline, startDeadline, untilAborted } from "./time-limit.ts";

export type Attempt<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly failure: Failure };

/** One request. `signOfLife` starts the time for an answer again. */
export type Send<T> = (signal: AbortSignal, signOfLife: () => void) => Promise<T>;

export interface CallBounds {
  /** How many bytes come back, at most. */
  readonly receives?: number;
  /** How many bytes a write sends. */
  readonly sends?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One call of the store: its tries, the waits between them, and the time that all of them may take. */
export class Call implements Disposable {
  readonly #inquiry: () => Inquiry;
  readonly #options: S3Options;
  readonly #limits: S3Limits;
  readonly #bounds: CallBounds;
  readonly #deadline: Deadline;
  readonly #backoff: Backoff;

  constructor(inquiry: () => Inquiry, options: S3Options, bounds: CallBounds = {}) {
    this.#inquiry = inquiry;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#bounds = bounds;
    this.#backoff = new Backoff(this.#limits, options.random);
    this.#deadline = startDeadline(this.#limits.deadlineMs + transferMs(bounds.sends ?? bounds.receives ?? 0));
  }

  [Symbol.dispose](): void {
    this.#deadline[Symbol.dispose]();
  }

  /** @throws the reason of the caller's signal, nothing else */
  async attempt<T>(send: Send<T>): Promise<Attempt<T>> {
    using silence = startDeadline(this.#silenceMs);
    const signal = this.#anyOf(silence.signal);
    try {
      return { done: true, value: await untilAborted(signal, (bounded) => send(bounded, () => silence.restart())) };
    } catch (error) {
      this.#bounds.signal?.throwIfAborted();
      return { done: false, failure: readFailure(error, this.#inquiry()) };
    }
  }

  /** Whether there is to be another try after this one; waits for its time to come. */
  async mayTryAgain(failure: Failure): Promise<boolean> {
    const waitMs = this.#backoff.waitMsAfter(failure);
    if (waitMs === null) return false;
    try {
      const sleep = this.#options.sleep ?? defaultSleep;
      const signal = this.#anyOf();
      await untilAborted(signal, () => sleep(waitMs, signal));
      return true;
    } catch {
      this.#bounds.signal?.throwIfAborted();
      return false;
    }
  }

  /** Tries until it is done, or until there is no sense in another try. */
  async retrying<T>(send: Send<T>): Promise<Attempt<T>> {
    for (;;) {
      const attempt = await this.attempt(send);
      if (attempt.done || !(await this.mayTryAgain(attempt.failure))) return attempt;
    }
  }

  /** A body that comes gives signs of life, one that goes gives none. */
  get #silenceMs(): number {
    const { readTimeoutMs, answerTimeoutMs } = this.#limits;
    const { sends } = this.#bounds;
    return sends === undefined ? readTimeoutMs : answerTimeoutMs + transferMs(sends);
  }

  #anyOf(...more: readonly AbortSignal[]): AbortSignal {
    const given = this.#bounds.signal === undefined ? [] : [this.#bounds.signal];
    return AbortSignal.any([...given, this.#deadline.signal, ...more]);
  }
}

async function defaultSleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal });
}
