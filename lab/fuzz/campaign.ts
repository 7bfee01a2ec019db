import { Dice } from "../soak/dice.ts";
import { keep, kept } from "./corpus.ts";
import type { Coverage } from "./coverage.ts";
import { mutated } from "./mutate.ts";
import type { Target } from "./target.ts";

/** Asking for coverage is expensive: the loop asks once per this many inputs, and per input only if coverage has grown. */
const BATCH = 25;
/** No input of a few KiB may take longer, not even on a busy machine. */
const HANGS_MS = 2_000;

export interface Found {
  readonly executions: number;
  readonly taken: number;
  readonly corpus: number;
  /** The slowest input. */
  readonly slowestMs: number;
  /** The input that broke a promise, and how. */
  readonly failure: string | null;
}

/** Looks for inputs that run new code, keeps them, and mutates them further; ends at the first failure. */
export class Fuzzer {
  readonly #target: Target;
  readonly #coverage: Coverage;
  readonly #dice: Dice;
  readonly #corpus: Uint8Array[] = [];
  #executions = 0;
  #taken = 0;
  #slowestMs = 0;

  readonly #keep: typeof keep;

  constructor(target: Target, coverage: Coverage, seed: number, keeping: typeof keep = keep) {
    this.#target = target;
    this.#keep = keeping;
    this.#coverage = coverage;
    this.#dice = new Dice(seed);
  }

  async run(forMs: number): Promise<Found> {
    const untilMs = performance.now() + forMs;
    const known = [...this.#target.seeds, ...kept(this.#target, "corpus"), ...kept(this.#target, "regressions")];
    let failure: string | null = null;
    this.#coverage.takeNew();
    for (const input of known) failure ??= await this.#tryOne(input);
    if (this.#corpus.length === 0) this.#corpus.push(...this.#target.seeds);
    while (failure === null && performance.now() < untilMs) failure = await this.#tryBatch();
    // The target's own seeds need not be kept.
    const isSeed = (input: Uint8Array) => this.#target.seeds.some((seed) => Buffer.compare(seed, input) === 0);
    this.#keep(
      this.#target,
      "corpus",
      this.#corpus.filter((input) => !isSeed(input)),
    );
    const counts = { executions: this.#executions, taken: this.#taken, slowestMs: Math.round(this.#slowestMs) };
    return { ...counts, corpus: this.#corpus.length, failure };
  }

  async #tryBatch(): Promise<string | null> {
    const inputs = Array.from({ length: BATCH }, () => {
      return mutated(this.#dice, this.#dice.pick(this.#corpus), this.#dice.pick(this.#corpus));
    });
    for (const input of inputs) {
      const failure = await this.#execute(input);
      if (failure !== null) return failure;
    }
    // Finds the inputs responsible: an input that adds nothing to an earlier one is not kept.
    if (this.#coverage.peekNew() === 0) return null;
    for (const input of inputs) {
      const failure = await this.#tryOne(input);
      if (failure !== null) return failure;
    }
    return null;
  }

  async #tryOne(input: Uint8Array): Promise<string | null> {
    const failure = await this.#execute(input);
    if (this.#coverage.takeNew() > 0) this.#corpus.push(input);
    return failure;
  }

  async #execute(input: Uint8Array): Promise<string | null> {
    const beganMs = performance.now();
    this.#executions++;
    try {
      if (await this.#target.run(input)) this.#taken++;
    } catch (error) {
      this.#keep(this.#target, "regressions", [...kept(this.#target, "regressions"), input]);
      return `${Buffer.from(input).toString("base64")}: ${error instanceof Error ? error.stack : String(error)}`;
    }
    const tookMs = performance.now() - beganMs;
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
    return tookMs < HANGS_MS ? null : `${Buffer.from(input).toString("base64")}: took ${Math.round(tookMs)} ms`;
  }
}
