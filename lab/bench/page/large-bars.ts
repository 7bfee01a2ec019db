import { BINARY_SIZE, COLD_START, INSTALLED, LARGE_OPEN, OPEN_SCOPED, QUICKSTART } from "../labels.ts";
import type { Herd, Row, Size } from "../results.ts";
import { find, type Verdict } from "./verdict.ts";

const MB = 1_000_000;
const MANY = 10_000;

/** The bars of what a user waits for or keeps: installing, a new process, many secrets, long logs, many machines. */
export function workBars(rows: readonly Row[], sizes: readonly Size[], herds: readonly Herd[]): Verdict[] {
  return [
    ...coldStart(rows),
    ...largeOpen(rows),
    ...largePush(rows),
    ...auditVerify(rows),
    ...sizes.flatMap(sizeBars),
    ...restart(herds),
    ...quickstart(rows),
  ];
}

function coldStart(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === COLD_START);
  const control = find(group, { program: "control" });
  return group.flatMap(({ name, roundTripMs = 0, wallMs }) => {
    const trip = find(group, { name: "round-trip", roundTripMs });
    if (name !== OPEN_SCOPED || control === undefined || trip === undefined) return [];
    const limit = 2 * control.wallMs.median + 2 * trip.wallMs.median;
    const work = `a new process opens over S3 at ${roundTripMs} ms, with a scoped token`;
    return [{ work, bar: "≤ 2 × `node -e 0` + 2 round trips", limit, measured: wallMs.median, unit: "ms" }];
  });
}

function largeOpen(rows: readonly Row[]): Verdict[] {
  const derived = find(rows, { group: LARGE_OPEN, name: "derive" });
  const opened = find(rows, { group: LARGE_OPEN, name: "open", secrets: MANY });
  if (derived === undefined || opened === undefined) return [];
  const measured = opened.wallMs.median - derived.wallMs.median;
  const work = `\`Vsync.open()\` of ${MANY} secrets in a directory, beside the KDF`;
  return [{ work, bar: "≤ 25 ms", limit: 25, measured, unit: "ms" }];
}

function largePush(rows: readonly Row[]): Verdict[] {
  const row = find(rows, { group: "push to a directory", program: "binary", secrets: MANY });
  if (row === undefined) return [];
  const work = `binary: push ${MANY} secrets to a directory`;
  return [{ work, bar: "≤ 450 ms", limit: 450, measured: row.wallMs.median, unit: "ms" }];
}

function auditVerify(rows: readonly Row[]): Verdict[] {
  const bars: Readonly<Record<number, number>> = { 365: 300, [MANY]: 1500 };
  return rows.flatMap(({ group, name, auditRows = 0, wallMs }) => {
    const limit = bars[auditRows];
    if (group !== "audit log over S3" || name !== "verify" || limit === undefined) return [];
    const work = `\`audit verify\` of ${auditRows} rows over S3 at 5 ms`;
    return [{ work, bar: `≤ ${limit / 1000} s`, limit, measured: wallMs.median, unit: "ms" }];
  });
}

function sizeBars({ what, packages, bytes }: Size): Verdict[] {
  const most: Readonly<Record<string, number>> = { [INSTALLED]: 25, [BINARY_SIZE]: 100 };
  const limit = most[what];
  if (limit === undefined) return [];
  const size = { work: `${what}, size`, bar: `≤ ${limit} MB`, limit, measured: bytes / MB, unit: "MB" };
  if (packages === undefined) return [size];
  return [size, { work: `${what}, packages`, bar: "≤ 40", limit: 40, measured: packages, unit: "packages" }];
}

/** As measured when the bar was set: the slowest of 1000 instances that share one machine and a server at 200 a second. */
const SLOWEST_RESTART_MS = 14_108;

function restart(herds: readonly Herd[]): Verdict[] {
  return herds.flatMap(({ instances, limit, holder = "passphrase", opened, latencyMs }) => {
    if (limit === null || instances < 1000) return [];
    const work = `${instances} instances restart at once with 503s, by ${holder}`;
    const measured = opened === instances ? latencyMs.max : Number.POSITIVE_INFINITY;
    return [{ work, bar: "all open, no later than before", limit: SLOWEST_RESTART_MS, measured, unit: "ms" }];
  });
}

function quickstart(rows: readonly Row[]): Verdict[] {
  const row = find(rows, { group: QUICKSTART });
  if (row === undefined) return [];
  return [{ work: `\`${row.name}\``, bar: "≤ 25 s", limit: 25_000, measured: row.wallMs.median, unit: "ms" }];
}
