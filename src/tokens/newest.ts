import { TokenRefusedError } from "../errors.ts";
import { inWorkers, type WaitUntil } from "../workers.ts";

export interface NewestOptions<Seen> {
  /** Asks the store, every time it is called. */
  readonly read: () => Promise<Seen>;
  readonly clock: { nowMs(): number };
  /** How long an answer counts before the store has to be asked again. */
  readonly maxAgeMs: number;
  /** When it is asked beforehand, while the old answer still counts. Default: never. */
  readonly refreshMs?: number;
  /** How long one counts while the store does not answer. Asked at each use: an answer may change it. */
  readonly maxStaleMs: (seen: Seen) => number;
  /** What was read before, just now. */
  readonly first?: Seen | undefined;
  /** Makes the error for an answer that is too old. */
  readonly stale: () => Error;
}

/** After a request that failed, and for what nobody knows: each of them would otherwise cost a request. */
const LOOK_AGAIN_MS = 10_000;
/** How long anybody waits for a store that does not answer, if there is an answer from before. */
const PATIENCE_MS = 5_000;

/**
 * What the newest generation says that the store has shown, asked for again when its answer is too old: for verifiers of
 * tokens, origins and gateways. It never goes back behind a generation that it has seen. A token that is refused ends at
 * once; any other failure counts as silence: the last answer holds for a while.
 */
export class Newest<Seen extends { readonly gen: number }> {
  readonly #options: NewestOptions<Seen>;
  #seen: Seen | null;
  #askedMs: number;
  #answeredMs: number;
  #hasFailed = false;
  #refused: TokenRefusedError | null = null;
  #asking: Promise<void> | null = null;

  constructor(options: NewestOptions<Seen>) {
    this.#options = options;
    this.#seen = options.first ?? null;
    this.#askedMs = this.#answeredMs = this.#seen === null ? Number.NEGATIVE_INFINITY : options.clock.nowMs();
  }

  /**
   * @param isKnown false: an answer that is older than `LOOK_AGAIN_MS` does not do, as it may lack what a newer one has
   * @param waitUntil where a Worker asks beforehand; without it, only when it must
   * @throws TokenRefusedError the token has ended
   * @throws what `stale` makes; the first time also what `read` throws
   */
  async get(isKnown: (seen: Seen) => boolean = () => true, waitUntil?: WaitUntil): Promise<Seen> {
    const atMs = this.#options.clock.nowMs();
    this.#refreshAhead(atMs, waitUntil);
    if (this.#mustAsk(atMs)) await this.#ask(atMs);
    if (this.#seen !== null && !isKnown(this.#seen) && !isWithin(LOOK_AGAIN_MS, this.#askedMs, atMs)) {
      await this.#ask(atMs);
    }
    return this.#required(atMs);
  }

  /** The newest without waiting, if its answer is young enough; null if `get` has to ask. */
  peek(waitUntil?: WaitUntil): Seen | null {
    const atMs = this.#options.clock.nowMs();
    this.#refreshAhead(atMs, waitUntil);
    return this.#isYounger(this.#options.maxAgeMs, atMs) && this.#refused === null ? this.#seen : null;
  }

  /** Nobody waits for this: the old answer counts on. After a failure that is every ten seconds. */
  #refreshAhead(atMs: number, waitUntil: WaitUntil | undefined): void {
    const { refreshMs = Number.POSITIVE_INFINITY, maxAgeMs } = this.#options;
    if (this.#seen === null || this.#refused !== null) return;
    const dueMs = this.#hasFailed ? Math.min(LOOK_AGAIN_MS, maxAgeMs) : refreshMs;
    if (isWithin(dueMs, this.#askedMs, atMs) || (inWorkers() && waitUntil === undefined)) return;
    const asking = this.#ask(atMs);
    waitUntil?.(asking);
  }

  /** After a failure the old answer counts on without a wait: otherwise an outage would slow down every request. */
  #mustAsk(atMs: number): boolean {
    const { maxAgeMs, maxStaleMs } = this.#options;
    if (this.#seen === null || this.#refused !== null) return true;
    if (this.#isYounger(maxAgeMs, atMs)) return false;
    const hasJustFailed = this.#hasFailed && isWithin(maxAgeMs, this.#askedMs, atMs);
    return !hasJustFailed || !this.#isYounger(maxStaleMs(this.#seen), atMs);
  }

  #isYounger(ageMs: number, atMs: number): boolean {
    return isWithin(ageMs, this.#answeredMs, atMs);
  }

  #required(atMs: number): Seen {
    if (this.#refused !== null) throw this.#refused;
    const seen = this.#seen as Seen;
    if (isWithin(this.#options.maxStaleMs(seen), this.#answeredMs, atMs)) return seen;
    throw this.#options.stale();
  }

  async #ask(atMs: number): Promise<void> {
    const asking = this.#answer(atMs);
    await (this.#seen === null ? asking : this.#patiently(asking));
  }

  /** Shared by all who wait, but not between the requests of a Worker: the one that asked may end before the answer. */
  #answer(atMs: number): Promise<void> {
    if (inWorkers()) return this.#read(atMs);
    this.#asking ??= this.#read(atMs).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #patiently(asking: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#hasFailed = true;
        resolve();
      }, PATIENCE_MS);
    });
    await Promise.race([asking, patience]);
    clearTimeout(timer);
  }

  async #read(atMs: number): Promise<void> {
    this.#askedMs = atMs;
    try {
      const seen = await this.#options.read();
      this.#refused = null;
      // A store that shows an older generation than before has not answered.
      this.#hasFailed = this.#seen !== null && seen.gen < this.#seen.gen;
      if (this.#hasFailed) return;
      this.#seen = seen;
      this.#answeredMs = atMs;
    } catch (error) {
      this.#hasFailed = true;
      if (this.#seen === null) throw error;
      if (error instanceof TokenRefusedError) this.#refused = error;
    }
  }
}

function isWithin(ageMs: number, sinceMs: number, atMs: number): boolean {
  const age = atMs - sinceMs;
  return age >= 0 && age < ageMs;
}
