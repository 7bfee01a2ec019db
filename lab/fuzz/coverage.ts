import inspector from "node:inspector";

/**
 * Tells which blocks of `src/` run, by V8's own precise coverage. `@jazzer.js/core` would instrument the code instead, and
 * needs a native module (docs/decisions/0031).
 */
export class Coverage implements Disposable {
  readonly #session = new inspector.Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** The number of blocks that have run for the first time since the last call. */
  takeNew(): number {
    const before = this.#seen.size;
    for (const feature of this.#features()) this.#seen.add(feature);
    return this.#seen.size - before;
  }

  /** Like `takeNew`, but new blocks stay new. */
  peekNew(): number {
    return this.#features().filter((feature) => !this.#seen.has(feature)).length;
  }

  #features(): string[] {
    let taken: inspector.Profiler.TakePreciseCoverageReturnType | undefined;
    this.#session.post("Profiler.takePreciseCoverage", (error, found) => {
      if (error) throw error;
      taken = found;
    });
    const scripts = taken?.result.filter(({ url }) => url.includes("/src/")) ?? [];
    return scripts.flatMap(({ url, functions }) =>
      functions
        .flatMap(({ ranges }) => ranges)
        .filter(({ count }) => count > 0)
        .map(
          ({ startOffset, endOffset, count }) => `${url}:${startOffset}-${endOffset}:${Math.ceil(Math.log2(count))}`,
        ),
    );
  }
}
