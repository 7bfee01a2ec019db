import { TokenRefusedError } from "../errors.ts";
import { inWorkers, type WaitUntil } from "../workers.ts";

export interface NewestOptions<Seen> {
  /** Reads from the store at every call. */
  readonly read: () => Promise<Seen>;
  readonly clock: { nowMs(): number };
  /** How old a value may be before the store must be asked again. */
  readonly maxAgeMs: number;
  /** From this age on, it is renewed in the background while the old value is still used. Default: never. */
  readonly refreshMs?: number;
  /**
   * How old a value may be while the store does not respond. Called at each use, because the value itself may change
   * the limit.
   */
  readonly maxStaleMs: (seen: Seen) => number;
  /** A value that has just been read. */
  readonly first?: Seen | undefined;
  /** Makes the error for a value that is too old. */
  readonly stale: () => Error;
}

/**
 * The shortest interval between requests after a failure, and for unknown ids, each of which would otherwise cost a
 * request.
 */
const LOOK_AGAIN_MS = 10_000;
/** How long to wait for a store that does not respond, if there is an older value. */
const PATIENCE_MS = 5_000;

/**
 * The newest generation's view, renewed when it gets too old; for verifiers of tokens, origins and gateways. It never
 * goes back to an older generation. A refused token ends at once; after any other failure, the last value stays valid
 * for a while.
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
   * @param isKnown if it returns false for a value older than `LOOK_AGAIN_MS`, the store is asked, because a newer
   * value may have what is missing
   * @param waitUntil lets a Worker renew in the background; without it, a Worker asks only when it must
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

  /** The newest value without waiting, if it is young enough; null if `get` has to ask. */
  peek(waitUntil?: WaitUntil): Seen | null {
    const atMs = this.#options.clock.nowMs();
    this.#refreshAhead(atMs, waitUntil);
    return this.#isYounger(this.#options.maxAgeMs, atMs) && this.#refused === null ? this.#seen : null;
  }

  /** Nobody waits for this, and the old value is used in the meantime. After a failure, it tries every ten seconds. */
  #refreshAhead(atMs: number, waitUntil: WaitUntil | undefined): void {
    const { refreshMs = Number.POSITIVE_INFINITY, maxAgeMs } = this.#options;
    if (this.#seen === null || this.#refused !== null) return;
    const dueMs = this.#hasFailed ? Math.min(LOOK_AGAIN_MS, maxAgeMs) : refreshMs;
    if (isWithin(dueMs, this.#askedMs, atMs) || (inWorkers() && waitUntil === undefined)) return;
    const asking = this.#ask(atMs);
    waitUntil?.(asking);
  }

  /** After a failure the old value is used without waiting; otherwise an outage would slow down every request. */
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

  /** Shared by all who wait, except between the requests of a Worker, where the asking request may end first. */
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
      // A store that shows an older generation than before counts as not responding.
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
