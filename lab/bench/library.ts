import { join } from "node:path";
import { CONTROL, inRounds, type RowHead } from "./interleave.ts";
import { JsonLines } from "./json-lines.ts";
import type { Job, Timed } from "./library-process.ts";
import type { Row } from "./results.ts";
import { medianOf, rounded, seriesOf } from "./series.ts";

export interface LibraryCandidate {
  readonly head: RowHead;
  job(round: number): Job | Promise<Job>;
}

/** The loaded library in a separate process. */
export class Library implements AsyncDisposable {
  readonly #process: JsonLines;

  constructor() {
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, HOME, NODE_COMPILE_CACHE };
    const program = join(import.meta.dirname, "library-process.ts");
    this.#process = new JsonLines("the library", [process.execPath, program], env);
  }

  time(job: Job): Promise<Timed> {
    return this.#process.ask<Timed>(job);
  }

  /** Like `interleave` for programs. A first round, which does not count, loads the lazy modules. */
  async interleave(candidates: readonly LibraryCandidate[], rounds: number): Promise<readonly Row[]> {
    const times = await inRounds(candidates, rounds, async (candidate, round) => this.time(await candidate.job(round)));
    const control = times[candidates.findIndex(({ head }) => head.program === CONTROL)];
    return candidates.map(({ head }, at) => {
      const own = times[at] ?? [];
      const wallMs = seriesOf(own.map((it) => it.wallMs));
      const controlMs = control === undefined ? undefined : medianOf(control.map((it) => it.wallMs));
      const ratio = controlMs === undefined ? {} : { ratio: rounded(wallMs.median / controlMs) };
      return { ...head, wallMs, cpuMs: medianOf(own.map(({ cpuMs }) => cpuMs)), ...ratio };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
