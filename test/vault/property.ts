import type fc from "fast-check";

/** Every run of the suite looks at the same samples; `VSYNC_FUZZ_SEED` looks at others, `VSYNC_FUZZ_TIMES` at more, or at fewer. */
const SEED = Number(process.env["VSYNC_FUZZ_SEED"] ?? 20260101);
const TIMES = Number(process.env["VSYNC_FUZZ_TIMES"] ?? 1);

export function sampled<T>(runs: number): fc.Parameters<T> {
  return { seed: SEED, numRuns: Math.ceil(runs * TIMES) };
}
