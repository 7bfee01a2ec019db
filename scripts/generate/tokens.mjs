import { SCOPED_MEMORY } from "../../lab/bench/labels.ts";
import { lineChart } from "../../lab/bench/page/plots.ts";
import { table } from "./markdown.mjs";

const rowsOf = (rows) => rows.filter((row) => row.group === "commit with tokens");

const rounded = (value) => (value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10));

export function tokenSection({ rows: all }) {
  const rows = rowsOf(all);
  if (rows.length === 0) return [];
  const [{ secrets }] = rows;
  const cells = rows.map(({ tokens: count, wallMs, headerBytes, manifestBytes }) => [
    String(count),
    rounded(wallMs.median),
    `${rounded(wallMs.min)}…${rounded(wallMs.max)}`,
    rounded(headerBytes / 1024),
    String(manifestBytes),
  ]);
  return [
    "## Scoped tokens",
    `\`set\` on a vault of ${secrets} secrets in memory, in a process that has derived the key, with tokens of ten distinct sets of 20 secrets each: every commit seals a slot to each token anew. A token takes about 1.5 KB of the header, because the format describes it in its slot, in the roll and in the box \`verify\`.`,
    "![set by number of tokens](performance/growth-tokens.svg)",
    table(["tokens", "wall, ms", "min…max", "header, KiB", "manifest, bytes"], cells),
  ];
}

export function tokenPlots({ rows: all }) {
  const points = rowsOf(all).map(({ tokens: count, wallMs }) => [count, wallMs.median]);
  const axes = { x: "tokens", y: "wall time, ms" };
  return points.length === 0
    ? []
    : [["growth-tokens", lineChart("By number of tokens", axes, [{ name: "set", points }])]];
}

export function scopedMemory({ rows: all }) {
  const rows = all.filter(({ group }) => group === SCOPED_MEMORY);
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, bytes = 0, peakMiB }) => [
    name,
    bytes === 1 ? "1 byte" : `${bytes / 1_000_000} MB`,
    rounded(peakMiB),
  ]);
  return [
    "With a scoped token, the library derives no key and so saves those 64 MiB. These rows leave out the pages of Node.js itself, which the kernel can reclaim; `idle` is a process that has loaded the library and opens nothing.",
    table(["what", "file in the vault", "peak, MiB"], cells),
  ];
}
