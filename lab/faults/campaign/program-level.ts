import { canMount } from "../../../test/support/disks.ts";
import { inLanes, type Lane, type LaneTrial } from "./lanes.ts";
import { clockTrial, type ProgramTrials, requestTrials } from "./program.ts";
import { programDiskTrials } from "./program-disks.ts";
import { programOperations } from "./program-operations.ts";
import type { Trial } from "./trial.ts";

/** Each trial starts the program, so only every n-th fault other than SIGKILL runs. */
const FAULTS_EACH = 9;
/** A start keeps one core busy; a hanging program does not. */
export const AT_ONCE = 2;
const WAITING_AT_ONCE = 8;

const HALF_AN_HOUR_MS = 1_800_000;
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** Runs all trials of the program. Returns what it left out and why, or null. */
export async function runProgramLevel(atOnce: number, add: (trial: Trial) => Promise<void>): Promise<string | null> {
  const { busy, waiting } = await programTrials(atOnce);
  const run = (trial: LaneTrial, lane: Lane) => add(trial(lane));
  const ends = await Promise.allSettled([inLanes(atOnce, busy, run), inLanes(WAITING_AT_ONCE, waiting, run)]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return canMount() ? null : "a config folder on a full or read-only disk: this user may not mount one";
}

async function programTrials(atOnce: number): Promise<ProgramTrials> {
  const operations = await programOperations();
  const busy: LaneTrial[] = [];
  const waiting: LaneTrial[] = [];
  await inLanes(atOnce, [...operations.entries()], async ([from, operation], lane) => {
    const trials = await requestTrials(operation, lane, { each: FAULTS_EACH, from });
    busy.push(...trials.busy);
    waiting.push(...trials.waiting);
  });
  const jumps = [HALF_AN_HOUR_MS, TEN_YEARS_MS];
  for (const [half, aheadMs] of jumps.entries()) {
    const ahead = await programOperations(aheadMs);
    const every = ahead.filter((_, index) => index % jumps.length === half);
    busy.push(...every.map((operation) => clockTrial(operation, aheadMs)));
  }
  return { busy: [...busy, ...(canMount() ? programDiskTrials(operations) : [])], waiting };
}
