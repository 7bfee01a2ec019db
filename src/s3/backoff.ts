import type { Random } from "../vault/ports.ts";
import type { Failure } from "./failure.ts";
import type { S3Limits } from "./options.ts";

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** How often, and after which waits, one call tries again. */
export class Backoff {
  readonly #limits: Pick<S3Limits, "attempts" | "throttledAttempts">;
  readonly #random: Random;
  #failed = 0;
  #throttled = 0;

  constructor(limits: Pick<S3Limits, "attempts" | "throttledAttempts">, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** How long to wait after this failure, in milliseconds; null: it was the last try. */
  waitMsAfter(failure: Failure): number | null {
    if (!failure.isTransient) return null;
    if (failure.isThrottled) this.#throttled += 1;
    else this.#failed += 1;
    const isOver = this.#failed >= this.#limits.attempts || this.#throttled >= this.#limits.throttledAttempts;
    return isOver ? null : this.#waitMs();
  }

  /**
   * Somewhere between nothing and a bound that doubles each time, so that those who collided do not meet again. The whole
   * range is drawn from ("full jitter"): a thousand machines that were turned away at once come back one by one.
   */
  #waitMs(): number {
    const ceilingMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failed + this.#throttled - 1));
    const [a = 0, b = 0, c = 0, d = 0] = this.#random.bytes(4);
    return (ceilingMs * (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d + 1)) / 2 ** 32;
  }
}
