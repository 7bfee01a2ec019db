/** The level of a fault decides how much of the program is real. */
export type Level = "domain" | "S3" | "directory" | "disk" | "process" | "program";

export const LEVELS: Readonly<Record<Level, string>> = {
  domain: "the use-cases over a store in memory",
  S3: "the use-cases, the S3 store over HTTP, against the project's strict S3 server",
  directory: "the use-cases and the directory store on a real disk, in another process whose file system calls fail",
  disk: "the same, on a disk of its own (tmpfs) that is full or mounted read-only",
  process: "the same, in a process that is killed (SIGKILL) before a file system call",
  program:
    "`vsync` itself, started and killed as a program, against the strict S3 server; its config folder and `--out` on such disks",
};

/** Counts of the trials of one kind, by outcome. */
export interface Row {
  readonly level: Level;
  readonly operation: string;
  readonly fault: string;
  injected: number;
  /** Ended with the old generation. */
  old: number;
  /** Ended with the new generation. */
  new: number;
  done: number;
  refused: number;
  unknown: number;
  killed: number;
  lost: number;
  stuck: number;
  silent: number;
}

type Count = Exclude<keyof Row, "level" | "operation" | "fault">;

interface Run {
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Results {
  /** The last run of each level, and its versions. */
  readonly runs: Readonly<Partial<Record<Level, Run>>>;
  readonly rows: readonly Row[];
}

/** `kept`, with the levels of `fresh` replaced. */
export function merged(kept: Results, fresh: Results): Results {
  const rows = [...kept.rows.filter(({ level }) => fresh.runs[level] === undefined), ...fresh.rows];
  const order = Object.keys(LEVELS);
  return {
    runs: { ...kept.runs, ...fresh.runs },
    rows: rows.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level)),
  };
}

/** For each level: its real parts, and the date and versions of its last run. */
export function levels({ runs }: Results): Table {
  const rows = Object.entries(LEVELS).map(([level, what]) => {
    const run = runs[level as Level];
    const on = Object.entries(run?.versions ?? {}).map(([name, version]) => `${name} ${version}`);
    return [level, what, run === undefined ? "not yet" : `${run.date}, ${on.join(", ")}`];
  });
  return { head: ["level", "what runs", "last run"], rows };
}

interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function sumOf(rows: readonly Row[], count: Count): number {
  return rows.reduce((total, row) => total + row[count], 0);
}

function distinct<K extends "level" | "operation" | "fault">(rows: readonly Row[], key: K): Row[K][] {
  return [...new Set(rows.map((row) => row[key]))];
}

const COUNTS = ["injected", "old", "new", "done", "refused", "unknown", "killed", "lost", "stuck", "silent"] as const;

/** One line per level or kind of fault, and one for all. */
export function summary({ rows }: Results, key: "level" | "fault"): Table {
  const line = (name: string, of: readonly Row[]) => [name, ...COUNTS.map((count) => String(sumOf(of, count)))];
  const lines = distinct(rows, key).map((name) => {
    return line(
      name,
      rows.filter((row) => row[key] === name),
    );
  });
  return { head: [key, ...COUNTS], rows: [...lines, line("all", rows)] };
}

/** Operation × fault: the trials that ended with the old generation, and with the new one. */
export function matrix({ rows }: Results): Table {
  const faults = distinct(rows, "fault").toSorted();
  const lines = distinct(rows, "operation").map((operation) => [
    operation,
    ...faults.map((fault) => {
      const cell = rows.filter((row) => row.operation === operation && row.fault === fault);
      return cell.length === 0 ? "" : `${sumOf(cell, "old")}+${sumOf(cell, "new")}`;
    }),
  ]);
  return { head: ["operation", ...faults], rows: lines };
}
