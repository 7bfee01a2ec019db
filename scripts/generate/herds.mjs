import { lineChart } from "../../lab/bench/page/plots.ts";
import { table } from "./markdown.mjs";

const number = (value) => String(value >= 100 ? Math.round(value) : Math.round(value * 100) / 100);

/** Instances that boot at the same moment, and the requests that the store saw. */
export function herdSection({ herds }) {
  if (herds.length === 0) return [];
  const cells = herds.map((herd) => [
    String(herd.instances),
    herd.server,
    herd.holder ?? "passphrase",
    herd.limit === null ? "none" : `${herd.limit}/s`,
    String(herd.opened),
    failures(herd.failed),
    herd.requestsPerBoot === null ? "" : number(herd.requestsPerBoot),
    String(herd.turnedAway ?? ""),
    ...["p50", "p95", "p99", "max"].map((name) => number(herd.latencyMs[name])),
  ]);
  const head = [
    "instances",
    "server",
    "by",
    "limit",
    "opened",
    "failed",
    "requests per boot",
    "answered 503",
    "p50, ms",
    "p95",
    "p99",
    "max",
  ];
  return [
    "## Many machines at once",
    "Many `Vsync.open()` at the same moment, each with its own client and connection, at the lowest KDF cost. In production each instance derives on its own processor; here all instances share one machine, and the times are those of this machine. With a limit, the server answers 503 SlowDown to requests above it. [scaling.md](scaling.md) does the arithmetic.",
    table(head, cells),
    ...herdPlots({ herds }).map(([name]) => `![requests over time](performance/${name}.svg)`),
  ];
}

const failures = (failed) =>
  Object.entries(failed)
    .map(([name, times]) => `${times} ${name}`)
    .join(", ") || "0";

export function herdPlots({ herds }) {
  const limited = herds.filter(({ limit, holder }) => limit !== null && holder !== "scoped token");
  if (limited.length === 0) return [];
  const lines = limited.map(({ instances, limit, arrivals }) => ({
    name: `${instances}, limit ${limit}/s`,
    points: arrivals.map((requests, at) => [at / 10, requests]),
  }));
  const axes = { x: "seconds after the first request", y: "requests in a tenth of a second" };
  return [["herd", lineChart("Retries of a herd that is told to slow down", axes, lines)]];
}
