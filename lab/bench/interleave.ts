import type { Launcher, Program, Run } from "./launcher.ts";
import type { Row } from "./results.ts";
import { medianOf, rounded, seriesOf } from "./series.ts";

export const CONTROL = "control";

/** The description of a row. */
export type RowHead = Omit<Row, "wallMs" | "cpuMs" | "peakMiB" | "ratio">;

export interface Candidate {
  readonly head: RowHead;
  /** The program for a round, from 0; a program that writes must write something new each time. */
  readonly program: (round: number) => Program;
}

/**
 * Runs all candidates once per round and starts each round with a different one: disturbances of the machine then affect
 * all of them. Round 0 does not count, unless one round is asked for: that only tries the benchmark.
 */
export async function inRounds<Case, Outcome>(
  candidates: readonly Case[],
  rounds: number,
  run: (candidate: Case, round: number) => Promise<Outcome>,
): Promise<readonly (readonly Outcome[])[]> {
  const runs = candidates.map((): Outcome[] => []);
  const warmUps = rounds === 1 ? 0 : 1;
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const [at, candidate] of rotated([...candidates.entries()], round)) {
      const done = await run(candidate, round);
      if (round >= warmUps) runs[at]?.push(done);
    }
  }
  return runs;
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/** Runs programs in rounds and measures them as whole processes. */
export async function interleave(
  launcher: Launcher,
  candidates: readonly Candidate[],
  rounds: number,
): Promise<readonly Row[]> {
  const runs = await inRounds(candidates, rounds, (candidate, round) => launcher.run(candidate.program(round)));
  const control = runs[candidates.findIndex(({ head }) => head.program === CONTROL)];
  const controlMs = control && medianOf(control.map(({ wallMs }) => wallMs));
  return candidates.map(({ head }, at) => rowOf(head, runs[at] ?? [], controlMs));
}

function rowOf(head: RowHead, runs: readonly Run[], controlMs: number | undefined): Row {
  const wallMs = seriesOf(runs.map((run) => run.wallMs));
  return {
    ...head,
    wallMs,
    cpuMs: medianOf(runs.map((run) => run.cpuMs)),
    peakMiB: rounded(Math.max(...runs.map((run) => run.peakMiB))),
    ...(controlMs === undefined ? {} : { ratio: rounded(wallMs.median / controlMs) }),
  };
}
