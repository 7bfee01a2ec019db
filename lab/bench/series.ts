import type { Series } from "./results.ts";

/** @param values at least one */
export function seriesOf(values: readonly number[]): Series {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    runs: sorted.length,
    median: rounded(percentile(sorted, 50)),
    min: rounded(sorted[0] ?? Number.NaN),
    max: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

export function medianOf(values: readonly number[]): number {
  return seriesOf(values).median;
}

/** Interpolates if the rank falls between two values. `sorted` is ascending. */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = ((sorted.length - 1) * percent) / 100;
  const [low = Number.NaN, high = low] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return low + (high - low) * (rank - Math.floor(rank));
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
