import { COLD_START, LARGE_OPEN } from "../../lab/bench/labels.ts";
import { table } from "./markdown.mjs";

const number = (value) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));
const range = ({ min, max }) => `${number(min)}…${number(max)}`;
const group = ({ rows }, name) => rows.filter((row) => row.group === name);

export function coldStart(results) {
  const rows = group(results, COLD_START);
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, roundTripMs, wallMs, cpuMs, peakMiB }) => [
    name,
    roundTripMs === undefined ? "" : `${roundTripMs} ms`,
    number(wallMs.median),
    range(wallMs),
    cpuMs === undefined ? "" : number(cpuMs),
    peakMiB === undefined ? "" : number(peakMiB),
  ]);
  return [
    "A new Node.js process that loads the library, opens 50 secrets over S3 with a scoped token and explicit keys, and ends. Such a reader loads no AWS client.",
    table(["what", "injected round trip", "wall, ms", "min…max", "CPU, ms", "peak, MiB"], cells),
  ];
}

export function largeOpen(results) {
  const rows = group(results, LARGE_OPEN);
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, secrets, wallMs }) => [
    name === "derive" ? "one derivation" : "`Vsync.open()`",
    String(secrets ?? ""),
    number(wallMs.median),
    range(wallMs),
  ]);
  return [
    "`Vsync.open()` of a vault in a directory, at the lowest KDF cost, in a process that has loaded the library.",
    table(["what", "secrets", "wall, ms", "min…max"], cells),
  ];
}

export function sizes({ sizes: measured = [] }) {
  if (measured.length === 0) return [];
  const cells = measured.map(({ what, packages, bytes }) => [what, String(packages ?? ""), number(bytes / 1_000_000)]);
  return ["## Size", "What an installation takes on the disk.", table(["what", "packages", "MB"], cells)];
}

export function requests({ requests: counted }) {
  if (counted.length === 0) return [];
  const said = (methods) =>
    Object.entries(methods)
      .map(([method, times]) => `${times} ${method}`)
      .join(", ") || "none";
  const cells = counted.map(({ operation, requests: methods }) => [operation, said(methods)]);
  return ["## Requests", "As the server counted them.", table(["operation", "requests"], cells)];
}
