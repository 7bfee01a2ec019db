import { TokenRefusedError } from "../errors.ts";

export interface NewestOptions<Seen> {
  /** Asks the store, every time it is called. */
  readonly read: () => Promise<Seen>;
  readonly clock: { nowMs(): number };
  /** How long an answer counts before the store is asked again. */
  readonly maxAgeMs: number;
  /** How long one counts while the store does not answer. Asked at each use: an answer may change it. */
  readonly maxStaleMs: (seen: Seen) => number;
  /** What was read before, just now. */
  readonly first?: Seen | undefined;
  /** Makes the error for an answer that is too old. */
  readonly stale: () => Error;
}

/** After a request that failed, and for what nobody knows: each of them would otherwise cost a request. */
const LOOK_AGAIN_MS = 10_000;

/**
 * What the newest generation says that the store has shown, asked for again when its answer is too old: for verifiers of
 * tokens, origins and gateways. It never goes back behind a generation that it has seen. A token that is refused ends at
 * once; any other failure is no answer, and the one before counts on for a while.
 */
export class Newest<Seen extends { readonly gen: number }> {
  readonly #options: NewestOptions<Seen>;
  #seen: Seen | null;
  #askedMs: number;
  #answeredMs: number;
  #failed = false;
  #refused: TokenRefusedError | null = null;
  #asking: Promise<void> | null = null;

  constructor(options: NewestOptions<Seen>) {
    this.#options = options;
    this.#seen = options.first ?? null;
    this.#askedMs = this.#answeredMs = this.#seen === null ? Number.NEGATIVE_INFINITY : options.clock.nowMs();
  }

  /**
   * @param isKnown false: an answer that is older than `LOOK_AGAIN_MS` does not do, as it may lack what a newer one has
   * @throws TokenRefusedError the token has ended
   * @throws what `stale` makes; the first time also what `read` throws
   */
  async get(isKnown: (seen: Seen) => boolean = () => true): Promise<Seen> {
    const atMs = this.#options.clock.nowMs();
    await this.#notOlder(this.#failed ? Math.min(LOOK_AGAIN_MS, this.#options.maxAgeMs) : this.#options.maxAgeMs, atMs);
    if (this.#seen !== null && !isKnown(this.#seen)) await this.#notOlder(LOOK_AGAIN_MS, atMs);
    return this.#required(atMs);
  }

  /** The newest without waiting, if its answer is young enough; null if `get` has to ask. */
  peek(): Seen | null {
    const age = this.#options.clock.nowMs() - this.#answeredMs;
    return age >= 0 && age < this.#options.maxAgeMs && this.#refused === null ? this.#seen : null;
  }

  #required(atMs: number): Seen {
    if (this.#refused !== null) throw this.#refused;
    const seen = this.#seen as Seen;
    if (atMs - this.#answeredMs < this.#options.maxStaleMs(seen)) return seen;
    throw this.#options.stale();
  }

  async #notOlder(ageMs: number, atMs: number): Promise<void> {
    const age = atMs - this.#askedMs;
    if (this.#asking === null && this.#seen !== null && age >= 0 && age < ageMs) return;
    this.#asking ??= this.#ask(atMs).finally(() => {
      this.#asking = null;
    });
    await this.#asking;
  }

  async #ask(atMs: number): Promise<void> {
    this.#askedMs = atMs;
    this.#failed = true;
    try {
      const seen = await this.#options.read();
      this.#refused = null;
      // A store that shows an older generation than before has not answered.
      if (this.#seen !== null && seen.gen < this.#seen.gen) return;
      this.#seen = seen;
      this.#answeredMs = atMs;
      this.#failed = false;
    } catch (error) {
      if (error instanceof TokenRefusedError) this.#refused = error;
      else if (this.#seen === null) throw error;
      if (this.#seen === null) throw error;
    }
  }
}
