import { isDeepStrictEqual } from "node:util";
import { type Aftermath, type Allowed, allowedOf, judge, type Verdict } from "./judge.ts";
import type { Judged } from "./operations.ts";
import { type Level, type Row, sumOf } from "./results.ts";

/** One fault in one operation. */
export interface Trial {
  readonly level: Level;
  readonly operation: Judged;
  /** Its row in the table. */
  readonly fault: string;
  /** Identifies a failed trial: the request and the variant. */
  readonly detail: string;
  /** Default: the operation's own. */
  readonly allowed?: Allowed;
  readonly run: () => Promise<Aftermath>;
}

const COLUMNS = {
  done: "done",
  outstanding: "done",
  idle: "done",
  refused: "refused",
  unknown: "unknown",
  nothing: "killed",
  crashed: null,
} as const;

/** Counts of the trials so far. */
export class Tally {
  readonly rows: Row[] = [];
  /** One line for each trial that broke a promise. */
  readonly failures: string[] = [];

  /** Runs the trial and counts it, unless it never reached its fault. */
  async add(trial: Trial, number: number): Promise<void> {
    const aftermath = await trial.run();
    if (!aftermath.met) return;
    const verdict = await judge(trial.operation, trial.allowed ?? allowedOf(trial.operation), aftermath, number);
    this.#count(trial, aftermath, verdict);
    for (const kind of ["lost", "stuck", "silent"] as const) {
      const { level, operation, fault, detail } = trial;
      if (verdict[kind] === null) continue;
      this.failures.push(`${kind}: ${level}, ${operation.name}, ${fault} (${detail}): ${verdict[kind]}`);
    }
  }

  get injected(): number {
    return sumOf(this.rows, "injected");
  }

  #count(trial: Trial, { ending }: Aftermath, verdict: Verdict): void {
    const row = this.#rowOf(trial);
    row.injected++;
    if (verdict.state !== null) row[verdict.state]++;
    const column = COLUMNS[ending.said];
    if (column !== null) row[column]++;
    for (const kind of ["lost", "stuck", "silent"] as const) if (verdict[kind] !== null) row[kind]++;
  }

  #rowOf({ level, operation, fault }: Trial): Row {
    const key = { level, operation: operation.name, fault };
    const found = this.rows.find((row) =>
      isDeepStrictEqual({ level: row.level, operation: row.operation, fault: row.fault }, key),
    );
    if (found !== undefined) return found;
    const none = { injected: 0, old: 0, new: 0, done: 0, refused: 0, unknown: 0, killed: 0 };
    const row: Row = { ...key, ...none, lost: 0, stuck: 0, silent: 0 };
    this.rows.push(row);
    return row;
  }
}
