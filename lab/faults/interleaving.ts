import { createHash } from "node:crypto";
import type { FaultHook } from "../../test/support/memory-store.ts";

interface Waiting {
  readonly writer: number;
  readonly go: () => void;
}

/**
 * Orders the requests of concurrent writers by a seed, one request at a time. It chooses the next request only when every
 * running writer waits with at least one. The first requests of all writers go first: all have begun before any gets far.
 */
export class Interleaving {
  readonly #seed: string;
  readonly #running = new Set<number>();
  readonly #started = new Set<number>();
  #waiting: Waiting[] = [];
  #chosen = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Runs `write` for each writer, which must send its requests through a store with the given hook. */
  async run<T>(
    writers: number,
    write: (hook: FaultHook, writer: number) => Promise<T>,
  ): Promise<PromiseSettledResult<T>[]> {
    for (let writer = 0; writer < writers; writer++) this.#running.add(writer);
    return Promise.allSettled(
      Array.from({ length: writers }, (_, writer) =>
        write({ before: () => this.#wait(writer), after: () => this.#release() }, writer).finally(() =>
          this.#end(writer),
        ),
      ),
    );
  }

  #wait(writer: number): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ writer, go });
      this.#release();
    });
  }

  /** An ended writer may still wait with a fetch that it has abandoned. */
  #end(writer: number): void {
    this.#running.delete(writer);
    for (const { go } of this.#waiting.filter((waiting) => waiting.writer === writer)) go();
    this.#waiting = this.#waiting.filter((waiting) => waiting.writer !== writer);
    this.#release();
  }

  #release(): void {
    const ready = new Set(this.#waiting.map(({ writer }) => writer));
    if (ready.size === 0 || [...this.#running].some((writer) => !ready.has(writer))) return;
    const fresh = this.#waiting.filter(({ writer }) => !this.#started.has(writer));
    const candidates = (fresh.length > 0 ? fresh : this.#waiting).toSorted((a, b) => a.writer - b.writer);
    const next = candidates[this.#draw(candidates.length)];
    if (next === undefined) return;
    this.#started.add(next.writer);
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    next.go();
  }

  #draw(below: number): number {
    return (
      createHash("sha256")
        .update(`${this.#seed}|${this.#chosen++}`)
        .digest()
        .readUInt32BE() % below
    );
  }
}
