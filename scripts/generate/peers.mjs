import { barChart } from "../../lab/bench/page/plots.ts";
import { table } from "./markdown.mjs";

const GROUPS = [
  ["peers-read", "read 50 secrets for one process"],
  ["peers-change", "change the passphrase"],
];

const number = (value) => String(value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);

export function peerPlots({ rows }) {
  return GROUPS.flatMap(([plot, name]) => {
    const bars = rows.filter(({ group }) => group === name).map(barOf);
    return bars.length === 0 ? [] : [[plot, barChart(`Peers: ${name}, wall time`, "ms", bars)]];
  });
}

function barOf({ program, wallMs: { median, min, max } }) {
  const kind = program.startsWith("vsync") ? 1 : program === "control" ? 0 : 4;
  return { label: program === "control" ? "node -e 0" : program, value: median, min, max, kind };
}

/** Each number comes with a description of what its tool does, because no two tools do the same. */
export function peerSection({ rows, peers }) {
  if (peers.length === 0) return [];
  const blocks = [
    "## Beside other tools",
    "These tools do different things, so read each number together with what its tool does. They come from npm and Debian; vsync depends on none of them.",
  ];
  for (const [plot, name] of GROUPS)
    blocks.push(
      ...comparison(
        plot,
        rows.filter(({ group }) => group === name),
      ),
    );
  const missing = peers.filter((peer) => peer.missing !== undefined);
  if (missing.length > 0) {
    const list = missing.map((peer) => `${peer.name} (${peer.missing})`).join(", ");
    blocks.push(`Not measured in this run: ${list}.`);
  }
  const versions = peers.flatMap(({ name, version }) => (version === null ? [] : [`${name} ${version}`]));
  if (versions.length > 0) blocks.push(`Versions: ${versions.join(", ")}.`);
  return blocks;
}

function comparison(plot, rows) {
  if (rows.length === 0) return [];
  const cells = rows.map(({ program, name, wallMs, cpuMs, peakMiB, ratio }) => [
    program === "control" ? "`node -e 0`" : program,
    name,
    number(wallMs.median),
    `${number(wallMs.min)}…${number(wallMs.max)}`,
    String(ratio ?? ""),
    number(cpuMs),
    number(peakMiB),
  ]);
  const head = ["tool", "what it does", "wall, ms", "min…max", "× `node -e 0`", "CPU, ms", "peak, MiB"];
  const [title] = GROUPS.filter(([name]) => name === plot).map(([, words]) => words);
  return [`### To ${title}`, `![${title}](performance/${plot}.svg)`, table(head, cells), whereNotFastest(rows)];
}

function whereNotFastest(rows) {
  const ours = rows.filter(({ program }) => program.startsWith("vsync"));
  const best = ours.toSorted((a, b) => a.wallMs.median - b.wallMs.median)[0];
  if (best === undefined) return "vsync was not measured here.";
  const others = rows.filter(({ program }) => program !== "control" && !program.startsWith("vsync"));
  const faster = others.filter(({ wallMs }) => wallMs.median < best.wallMs.median);
  if (faster.length === 0) return "No tool here was faster than vsync in this run.";
  const list = faster.map(({ program, wallMs }) => `${program} (${number(wallMs.median)} ms)`).join(", ");
  return `**vsync is not the fastest here**: its best time was ${number(best.wallMs.median)} ms. Faster: ${list}.`;
}
