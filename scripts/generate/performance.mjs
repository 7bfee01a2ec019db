import { REDACTED } from "../../lab/bench/labels.ts";
import { isMet, verdictsOf } from "../../lab/bench/page/bars.ts";
import { barChart, lineChart } from "../../lab/bench/page/plots.ts";
import { herdPlots, herdSection } from "./herds.mjs";
import { coldStart, largeOpen, requests, sizes } from "./large.mjs";
import { page, table } from "./markdown.mjs";
import { peerPlots, peerSection } from "./peers.mjs";
import { scopedMemory, tokenPlots, tokenSection } from "./tokens.mjs";

const number = (value) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));
const ratio = (value) => (value === undefined ? "" : `${Math.round(value * 100) / 100}`);
const range = ({ min, max }) => `${number(min)}…${number(max)}`;
const megabytes = (bytes) => `${bytes / 1_000_000} MB`;

/** The page and its plots, by path, from the results of `npm run bench`. */
export function performance(results) {
  const plots = new Map([
    ...startUpPlots(results),
    ...openPlots(results),
    ...growthPlots(results),
    ...tokenPlots(results),
    ...peerPlots(results),
    ...herdPlots(results),
  ]);
  const blocks = [
    ...introduction(results),
    ...bars(results),
    ...startUp(results),
    ...opening(results),
    ...coldStart(results),
    ...redact(results),
    ...rotate(results),
    ...growth(results),
    ...tokenSection(results),
    ...largeOpen(results),
    ...audit(results),
    ...requests(results),
    ...memory(results),
    ...scopedMemory(results),
    ...sizes(results),
    ...peerSection(results),
    ...herdSection(results),
  ];
  const files = [["docs/performance.md", page("Performance", "lab/bench/results.json", blocks)]];
  for (const [name, svg] of plots) files.push([`docs/performance/${name}.svg`, svg]);
  return files;
}

const plot = (name, words) => `![${words}](performance/${name}.svg)`;

const group = ({ rows }, name) => rows.filter((row) => row.group === name);

function introduction({ machine, versions, date, seconds, kdf, rows }) {
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const derivation = rows.find(({ name }) => name === "derive");
  const cost = `Argon2id with ${kdf.memoryKiB / 1024} MiB, ${kdf.iterations} passes and ${kdf.parallelism} lanes`;
  const took = derivation
    ? `; one derivation took ${number(derivation.wallMs.median)} ms here (${range(derivation.wallMs)})`
    : "";
  return [
    "How long vsync takes to start, open and rotate, how that grows, and how it compares with other tools.",
    `Measured by \`npm run bench\` on ${date} in ${seconds} s: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}. Versions: ${versionList.join(", ")}.`,
    [
      "- The rows of one table ran interleaved: each round ran every candidate once and started with a different one. We drop the first round.",
      "- Numbers are medians, with the fastest and the slowest run next to them. Ratios compare with the control of the same rounds.",
      "- Programs are measured as whole processes, from outside: wall time, CPU time of all threads, peak resident memory (`wait4`).",
      "- The S3 server is the project's own strict one, in a separate process on loopback. An injected round trip delays each answer, but not connecting.",
      `- The key derivation is slow on purpose, so it has its own numbers: ${cost} (RFC 9106 §4, second recommended option)${took}.`,
    ].join("\n"),
  ];
}

function bars(results) {
  const verdicts = verdictsOf(results);
  if (verdicts.length === 0) return [];
  const value = ({ unit }, amount) => (unit === "×" ? `${ratio(amount)} ×` : `${number(amount)} ${unit}`);
  const rows = verdicts.map((verdict) => [
    verdict.work,
    verdict.bar,
    value(verdict, verdict.limit),
    value(verdict, verdict.measured),
    isMet(verdict) ? "yes" : "**no**",
  ]);
  const missed = verdicts.filter((verdict) => !isMet(verdict)).length;
  const summary = `${verdicts.length - missed} of ${verdicts.length} bars are met in this run. "Round trip" means the measured time of a HEAD on an open connection. [Decision 0121](decisions/0121-bars-out-of-reach.md) says why vsync misses the others.`;
  return ["## The bars", summary, table(["work", "bar", "that is", "measured", "met"], rows)];
}

function processTable(rows, first) {
  const head = [...first.map(([title]) => title), "wall, ms", "min…max", "× control", "CPU, ms", "peak, MiB"];
  const cells = rows.map((row) => [
    ...first.map(([, cell]) => cell(row)),
    number(row.wallMs.median),
    range(row.wallMs),
    ratio(row.ratio),
    number(row.cpuMs),
    number(row.peakMiB),
  ]);
  return table(head, cells);
}

const WHAT = ["what", ({ name }) => `\`${name}\``];
const BY = ["program", ({ program }) => program];

function startUp(results) {
  const rows = group(results, "start-up");
  if (rows.length === 0) return [];
  return [
    "## Start-up and minting",
    "These commands derive no key. With `--no-validate` they send nothing; without it, one HEAD.",
    plot("start-up", "wall time of start-up and minting"),
    processTable(rows, [WHAT, BY]),
  ];
}

function startUpPlots(results) {
  const rows = group(results, "start-up");
  return rows.length === 0 ? [] : [["start-up", barChart("Start-up and minting, wall time", "ms", rows.map(barOf))]];
}

function barOf({ name, program, wallMs: { median, min, max } }) {
  const kind = ["control", "binary", "bin/run.js"].indexOf(program);
  const label = program === "control" ? name : `${program}: ${name}`;
  return { label, value: median, min, max, kind: kind === -1 ? 3 : kind };
}

function opening(results) {
  const local = group(results, "open a directory, exec true");
  const remote = group(results, "Vsync.open over S3");
  const blocks = ["## Opening"];
  if (local.length > 0) {
    blocks.push(
      "`vsync run -- /bin/true` by token, 50 secrets in a directory. At the lowest cost that the format allows, the derivation takes a few milliseconds, which the bar leaves out: the work (memory × passes) of the two costs is 1 to 24, so the lower one takes a 23rd of the difference between the rows.",
      processTable(local, [["what", ({ name }) => name], BY]),
    );
  }
  if (remote.length > 0) {
    blocks.push(
      "`Vsync.open()` of 50 secrets over S3, in a Node.js process that has already loaded the library: two GETs, the second in parallel with the key derivation. The last column runs the same steps in sequence.",
      plot("open", "Vsync.open by round trip"),
      table(
        ["injected round trip", "measured round trip", "`Vsync.open()`, ms", "min…max", "in sequence, ms"],
        openRows(remote),
      ),
    );
  }
  return blocks.length === 1 ? [] : blocks;
}

function redact(results) {
  const rows = group(results, REDACTED);
  if (rows.length === 0) return [];
  return [
    "## Masking a program's output",
    "A log of lines of JSON, read by `cat` under `vsync run --redact`: opened with a scoped token. It masks 50 secrets, in every spelling.",
    processTable(rows, [["log", ({ bytes }) => megabytes(bytes)], BY]),
  ];
}

function byTrip(rows) {
  const trips = [...new Set(rows.flatMap(({ roundTripMs }) => roundTripMs ?? []))];
  return trips.flatMap((trip) => {
    const at = (name) => rows.find((row) => row.name === name && row.roundTripMs === trip)?.wallMs;
    const found = { trip, measured: at("round-trip"), open: at("open"), sequence: at("open-in-sequence") };
    // Work that was not measured has no row.
    return Object.values(found).includes(undefined) ? [] : [found];
  });
}

function openRows(rows) {
  return byTrip(rows).map(({ trip, measured, open, sequence }) => [
    `${trip} ms`,
    `${number(measured.median)} ms`,
    number(open.median),
    range(open),
    number(sequence.median),
  ]);
}

function openPlots(results) {
  const rows = group(results, "Vsync.open over S3");
  if (rows.length === 0) return [];
  const derivation = rows.find(({ name }) => name === "derive")?.wallMs.median;
  if (derivation === undefined || byTrip(rows).length === 0) return [];
  const points = (of) => byTrip(rows).map((row) => [row.trip, of(row)]);
  const axes = { x: "injected round trip, ms", y: "wall time, ms" };
  const lines = [
    { name: "Vsync.open()", points: points(({ open }) => open.median) },
    { name: "one after the other", points: points(({ sequence }) => sequence.median) },
    { name: "KDF alone", points: points(() => derivation), isDashed: true },
    {
      name: "bar",
      points: points(({ measured }) => 1.1 * Math.max(derivation, 2 * measured.median) + 5),
      isDashed: true,
    },
  ];
  return [["open", lineChart("Vsync.open() of 50 secrets over S3", axes, lines)]];
}

function rotate(results) {
  const rows = group(results, "rotate over S3").filter(({ name }) => name.startsWith("rotate"));
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, secrets, roundTripMs, wallMs, ratio: times }) => [
    String(secrets),
    name === "rotate" ? "current" : "old",
    `${roundTripMs} ms`,
    number(wallMs.median),
    range(wallMs),
    ratio(times),
  ]);
  return [
    "## Rotating over S3",
    "A rotation derives two keys, for the old and the new passphrase, so it takes at least 2 × KDF. The library is loaded and the connection is open. The hint is what a machine's config remembers about the passphrase's cost; with it, the first derivation starts before the manifest arrives. An old hint, from before somebody else's rotation, wastes one derivation.",
    table(["secrets", "hint", "round trip", "wall, ms", "min…max", "× one KDF"], cells),
  ];
}

const SIZED = [
  ["push", "push to a directory"],
  ["rotate", "rotate in a directory"],
];
const sizeOf = ({ secrets, bytes }) => (bytes === undefined ? `${secrets} secrets` : megabytes(bytes));

function growth(results) {
  const rows = SIZED.flatMap(([, name]) => group(results, name));
  if (rows.length === 0) return [];
  const first = [["what", ({ name }) => name], ["size", sizeOf], BY];
  const head = [...first.map(([title]) => title), "wall, ms", "min…max", "CPU, ms", "peak, MiB"];
  const cells = rows.map((row) => [
    ...first.map(([, cell]) => cell(row)),
    number(row.wallMs.median),
    range(row.wallMs),
    number(row.cpuMs),
    number(row.peakMiB),
  ]);
  return [
    "## Growth",
    "Whole processes on a directory, at the default KDF cost: one derivation for a push, two for a rotation. vsync writes a directory durably (`fsync`), so the disk's speed shows.",
    plot("growth-secrets", "push and rotate by number of secrets"),
    plot("growth-bytes", "push and rotate by size"),
    table(head, cells),
  ];
}

function growthPlots(results) {
  const lines = (size, scale) =>
    SIZED.flatMap(([name, of]) => {
      const points = group(results, of).flatMap((row) =>
        isSized(row, size) ? [[row[size] / scale, row.wallMs.median]] : [],
      );
      return points.length === 0 ? [] : [{ name, points }];
    });
  const [y, secrets, bytes] = ["wall time, ms", lines("secrets", 1), lines("bytes", 1_000_000)];
  return [
    ...(secrets.length === 0
      ? []
      : [["growth-secrets", lineChart("By number of secrets", { x: "secrets", y, isLogarithmic: true }, secrets)]]),
    ...(bytes.length === 0 ? [] : [["growth-bytes", lineChart("By size of one file", { x: "MB", y }, bytes)]]),
  ];
}

const isSized = (row, size) => (size === "bytes" ? row.bytes !== undefined : row.bytes === undefined);

function audit(results) {
  const rows = group(results, "audit log over S3");
  if (rows.length === 0) return [];
  const [{ roundTripMs }] = rows;
  const words = { set: "`set` one secret: one row is appended", verify: "`audit verify`: every row is read" };
  const cells = rows.map(({ name, auditRows, wallMs }) => [
    words[name],
    String(auditRows),
    number(wallMs.median),
    range(wallMs),
  ]);
  return [
    "## The audit log",
    `Over S3 with an injected round trip of ${roundTripMs} ms, at the lowest KDF cost. A commit reads one row and writes one, however long the log is.`,
    table(["what", "rows in the log", "wall, ms", "min…max"], cells),
  ];
}

function memory(results) {
  const rows = group(results, "peak memory over S3");
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, program, bytes, peakMiB, wallMs }) => [
    name,
    program,
    bytes === 1 ? "1 byte" : megabytes(bytes),
    number(peakMiB),
    number(wallMs.median),
  ]);
  return [
    "## Memory",
    "Peak resident memory of whole processes over S3 (`get` opens, `rotate-passphrase` rotates). The rows with one byte show the floor: the runtime, the program and the 64 MiB of the KDF.",
    table(["what", "program", "file in the vault", "peak, MiB", "wall, ms"], cells),
  ];
}
