import { CONTROL } from "../interleave.ts";
import {
  ACCESS_TOKENS,
  AUTHORIZED,
  FIRST_REQUEST,
  IDLE,
  OPEN_SCOPED,
  REDACTED,
  REQUESTS,
  SCOPED,
  SCOPED_MEMORY,
  SIGNATURES_ALONE,
  SIGNED_REQUESTS,
  UNSIGNED_LARGE,
  UNSIGNED_SMALL,
  USAGE,
  USAGE_REPORTED,
  VERIFIED,
} from "../labels.ts";
import type { Results, Row } from "../results.ts";
import { workBars } from "./large-bars.ts";
import { find, type Verdict } from "./verdict.ts";

const MIB = 1024 * 1024;
/** The noise of the garbage collector hides a smaller file. */
const LARGE_BYTES = 8_000_000;

/** The verdicts on everything that was measured. */
export function verdictsOf({ rows, requests, sizes = [], herds }: Results): readonly Verdict[] {
  return [
    ...startUp(rows),
    ...workBars(rows, sizes, herds),
    ...localOpen(rows),
    ...localScoped(rows),
    ...redact(rows),
    ...libraryOpen(rows),
    ...libraryScoped(rows),
    ...libraryRotate(rows, rotationRequests(requests)),
    ...memory(rows),
    ...scopedMemory(rows),
    ...auditAppend(rows),
    ...tokens(rows),
    ...accessTokens(rows),
    ...usage(rows),
    ...signedRequests(rows),
  ];
}

export { isMet } from "./verdict.ts";

function startUp(rows: readonly Row[]): Verdict[] {
  const bars = { binary: 0.6, "bin/run.js": 2 };
  return Object.entries(bars).flatMap(([program, limit]) => {
    const row = find(rows, { group: "start-up", name: "runtime-token --no-validate", program });
    if (row?.ratio === undefined) return [];
    const work = `${program}: \`runtime-token --no-validate\``;
    return [{ work, bar: `≤ ${limit} × \`node -e 0\``, limit, measured: row.ratio, unit: "×" }];
  });
}

/**
 * The two rows differ only in the KDF, whose work is memory × passes (RFC 9106 §3.1): 8 MiB × 1 at the lowest cost, and 24
 * times that at the default. The lowest cost therefore takes a 23rd of the difference, and the rest is vsync itself.
 */
const LEAST_COSTS_IN_DIFFERENCE = (64 * 3) / 8 - 1;

function localOpen(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === "open a directory, exec true");
  const control = find(group, { program: CONTROL });
  const [least, usual] = ["least", "default"].map((cost) =>
    group.find(({ name, program }) => program === "binary" && name.startsWith(cost)),
  );
  if (control === undefined || least === undefined || usual === undefined) return [];
  const kdfMs = (usual.wallMs.median - least.wallMs.median) / LEAST_COSTS_IN_DIFFERENCE;
  const measured = (least.wallMs.median - kdfMs) / control.wallMs.median;
  const work = "binary: open 50 secrets, exec `true`, beside the KDF";
  return [{ work, bar: "≤ 1.0 × `node -e 0`", limit: 1, measured, unit: "×" }];
}

function localScoped(rows: readonly Row[]): Verdict[] {
  const row = find(rows, { group: "open a directory, exec true", name: SCOPED, program: "binary" });
  if (row?.ratio === undefined) return [];
  const work = "binary: open 50 secrets with a scoped token, exec `true`";
  return [{ work, bar: "≤ 0.6 × `node -e 0`", limit: 0.6, measured: row.ratio, unit: "×" }];
}

function redact(rows: readonly Row[]): Verdict[] {
  return rows.flatMap(({ group, program, bytes = 0, wallMs: { median } }) => {
    if (group !== REDACTED || bytes < LARGE_BYTES) return [];
    const work = `${program}: ${bytes / 1_000_000} MB through \`run --redact\``;
    return [{ work, bar: "≤ 1 s", limit: 1000, measured: median, unit: "ms" }];
  });
}

function libraryScoped(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === "Vsync.open over S3");
  return group.flatMap(({ name, roundTripMs = 0, wallMs }) => {
    const trip = find(group, { name: "round-trip", roundTripMs });
    if (name !== OPEN_SCOPED || trip === undefined) return [];
    const limit = 1.1 * 2 * trip.wallMs.median + 8;
    const work = `\`Vsync.open()\` with a scoped token over S3 at ${roundTripMs} ms`;
    return [{ work, bar: "≤ 1.1 × 2 round trips + 8 ms", limit, measured: wallMs.median, unit: "ms" }];
  });
}

function libraryOpen(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === "Vsync.open over S3");
  const derivation = find(group, { program: CONTROL });
  const opens = group.filter(({ name }) => name === "open");
  return opens.flatMap(({ roundTripMs = 0, wallMs }) => {
    const trip = find(group, { name: "round-trip", roundTripMs });
    if (derivation === undefined || trip === undefined) return [];
    const limit = 1.1 * Math.max(derivation.wallMs.median, 2 * trip.wallMs.median) + 5;
    const work = `\`Vsync.open()\` over S3 at ${roundTripMs} ms`;
    return [{ work, bar: "≤ 1.1 × max(KDF, 2 round trips) + 5 ms", limit, measured: wallMs.median, unit: "ms" }];
  });
}

function rotationRequests(requests: Results["requests"]): number {
  const counted = requests.find(({ operation }) => operation === "rotate");
  return Object.values(counted?.requests ?? {}).reduce((sum, times) => sum + times, 0);
}

function libraryRotate(rows: readonly Row[], requests: number): Verdict[] {
  const group = rows.filter((row) => row.group === "rotate over S3");
  const derivation = find(group, { program: CONTROL });
  if (derivation === undefined || requests === 0) return [];
  return group.flatMap(({ name, roundTripMs = 0, secrets, wallMs }) => {
    const trip = find(rows, { name: "round-trip", roundTripMs });
    if (name !== "rotate" || trip === undefined) return [];
    const limit = 2 * derivation.wallMs.median + 1.1 * requests * trip.wallMs.median + 50;
    const work = `rotate ${secrets} secrets over S3 at ${roundTripMs} ms`;
    return [{ work, bar: "≤ 2 KDF + 1.1 × requests × round trip + 50 ms", limit, measured: wallMs.median, unit: "ms" }];
  });
}

/** The floor is the same command on a tiny vault: the runtime and the 64 MiB of the KDF. */
function memory(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === "peak memory over S3" && (row.bytes ?? 0) >= LARGE_BYTES);
  return group.flatMap(({ name, program, bytes = 0, peakMiB = 0 }) => {
    const floor = find(rows, { group: "peak memory over S3", name, program, bytes: 1 })?.peakMiB;
    if (floor === undefined) return [];
    const limit = floor + (3 * bytes) / MIB;
    const work = `${program}: ${name} ${bytes / 1_000_000} MB, peak memory`;
    return [{ work, bar: "≤ 3 × bundle + what one byte takes", limit, measured: peakMiB, unit: "MiB" }];
  });
}

function scopedMemory(rows: readonly Row[]): Verdict[] {
  const idle = find(rows, { group: SCOPED_MEMORY, name: IDLE })?.peakMiB;
  if (idle === undefined) return [];
  const group = rows.filter((row) => row.group === SCOPED_MEMORY && row.name === OPEN_SCOPED);
  return group.map(({ bytes = 0, peakMiB = 0 }) => ({
    work: `\`Vsync.open()\` with a scoped token of ${bytes === 1 ? "one byte" : `${bytes / 1_000_000} MB`}, memory beyond an idle process`,
    bar: "≤ bundle + 8 MiB",
    limit: bytes / MIB + 8,
    measured: peakMiB - idle,
    unit: "MiB",
  }));
}

/** What a commit may take longer with so many tokens than with none, in milliseconds. */
const TOKEN_BARS: Readonly<Record<number, { readonly beyondMs: number; readonly headerKiB: number }>> = {
  100: { beyondMs: 40, headerKiB: 120 },
  500: { beyondMs: 150, headerKiB: 500 },
};
const TOKEN_MANIFEST_BYTES = 2048;

function tokens(rows: readonly Row[]): Verdict[] {
  const group = rows.filter((row) => row.group === "commit with tokens");
  const none = find(group, { tokens: 0 });
  return group.flatMap(({ tokens: count = 0, wallMs, headerBytes = 0, manifestBytes = 0 }) => {
    const bar = TOKEN_BARS[count];
    if (bar === undefined || none === undefined) return [];
    const beyond = wallMs.median - none.wallMs.median;
    const header = (headerBytes - (none.headerBytes ?? 0)) / 1024;
    const work = `${count} tokens of 20 secrets each`;
    return [
      {
        work: `commit with ${work}, beyond none`,
        bar: `≤ ${bar.beyondMs} ms`,
        limit: bar.beyondMs,
        measured: beyond,
        unit: "ms",
      },
      {
        work: `header with ${work}, beyond none`,
        bar: `≤ ${bar.headerKiB} KiB`,
        limit: bar.headerKiB,
        measured: header,
        unit: "KiB",
      },
      {
        work: `manifest with ${count} tokens`,
        bar: "≤ 2 KiB",
        limit: TOKEN_MANIFEST_BYTES,
        measured: manifestBytes,
        unit: "bytes",
      },
    ];
  });
}

function auditAppend(rows: readonly Row[]): Verdict[] {
  const sets = rows.filter((row) => row.group === "audit log over S3" && row.name === "set");
  const [few, many] = [sets.at(0), sets.at(-1)];
  if (few === undefined || many === undefined || few === many) return [];
  return [
    {
      work: `append at ${many.auditRows} rows, as a multiple of ${few.auditRows} rows`,
      bar: "constant (≤ 1.1 ×)",
      limit: 1.1,
      measured: many.wallMs.median / few.wallMs.median,
      unit: "×",
    },
  ];
}

function accessTokens(rows: readonly Row[]): Verdict[] {
  const bars = [
    { times: AUTHORIZED, work: "`authorize` without patterns", bar: "≥ 100 000 a second", each: 0.01 },
    { times: VERIFIED, work: "verify an access token", bar: "≤ 0.3 ms", each: 0.3 },
  ];
  return bars.flatMap(({ times, work, bar, each }) => {
    const row = rows.find(({ group, name }) => group === ACCESS_TOKENS && name.endsWith(` ${times}`));
    if (row === undefined) return [];
    return [{ work: `${work}, ${times} times`, bar, limit: each * times, measured: row.wallMs.median, unit: "ms" }];
  });
}

/** Of processor time, which other work on the machine changes little; the first request waits for the network. */
function signedRequests(rows: readonly Row[]): Verdict[] {
  const own = rows.filter(({ group }) => group === SIGNED_REQUESTS);
  const of = (name: string) => own.find((row) => row.name.startsWith(name))?.cpuMs;
  const [ours, alone, theirs, small, large] = [
    "vsync/backend",
    SIGNATURES_ALONE,
    "npm",
    UNSIGNED_SMALL,
    UNSIGNED_LARGE,
  ].map(of);
  if (ours === undefined || alone === undefined || small === undefined || large === undefined) return [];
  const work = `verify ${REQUESTS} requests of 1 KiB, 64 at once`;
  const times = (what: string, bar: string, limit: number, measured: number): Verdict => {
    return { work: what, bar, limit, measured, unit: "×" };
  };
  return [
    { work, bar: "≥ 6 000 a second", limit: REQUESTS / 6, measured: ours, unit: "ms" },
    times(`${work}, beside the signatures alone`, "≤ 1.5 ×", 1.5, ours / alone),
    ...(theirs === undefined ? [] : [times(`${work}, beside npm's package`, "ahead", 1, ours / theirs)]),
    times("refuse 10 MiB, as a multiple of 1 KiB", "no more (≤ 1.2 ×)", 1.2, large / small),
    ...own.flatMap(({ name, roundTripMs, wallMs }): Verdict[] => {
      if (name !== FIRST_REQUEST || roundTripMs === undefined) return [];
      const limit = 2 * roundTripMs + 10;
      const first = `${FIRST_REQUEST}, ${roundTripMs} ms away`;
      return [{ work: first, bar: "≤ 2 round trips + 10 ms", limit, measured: wallMs.median, unit: "ms" }];
    }),
  ];
}

function usage(rows: readonly Row[]): Verdict[] {
  const bars = [
    { name: `withUsage \u00d7 ${USAGE_REPORTED}`, bar: "\u2264 0.2 ms each", limit: 0.2 * USAGE_REPORTED },
    { name: "sum of 1000000 events", bar: "\u2264 20 s", limit: 20_000 },
  ];
  return bars.flatMap(({ name, bar, limit }) => {
    const cpuMs = find(rows, { group: USAGE, name })?.cpuMs;
    return cpuMs === undefined ? [] : [{ work: name, bar, limit, measured: cpuMs, unit: "ms" }];
  });
}
