/** `npm run faults [-- --level=S3 …]`: every trial of every level, tables on stdout, the counts in `results.json`. */

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import vsync from "../../../package.json" with { type: "json" };
import { Campaign } from "./campaign.ts";
import { LEVELS, type Level, matrix, merged, type Results, summary } from "./results.ts";

const { values } = parseArgs({ options: { level: { type: "string", multiple: true } } });
const all = Object.keys(LEVELS) as Level[];
const levels = all.filter((level) => values.level?.includes(level) ?? true);

const date = new Date().toISOString().slice(0, 10);
const versions = { vsync: vsync.version, node: process.versions.node, [process.platform]: process.arch };
const run: Level[] = [];

await using campaign = await Campaign.prepare();
for (const level of levels) {
  const beganMs = Date.now();
  const before = campaign.tally.injected;
  const isRun = await campaign.run(level);
  if (isRun) run.push(level);
  const how = isRun ? `${campaign.tally.injected - before} faults` : "skipped: this user may not mount a disk";
  console.error(`${level}: ${how}, ${Math.round((Date.now() - beganMs) / 1000)} s`);
  for (const failure of campaign.tally.failures.splice(0)) {
    console.error(failure);
    process.exitCode = 1;
  }
}

const KEPT = new URL("results.json", import.meta.url);
const fresh: Results = {
  runs: Object.fromEntries(run.map((level) => [level, { date, versions }])),
  rows: campaign.tally.rows,
};
const results = existsSync(KEPT) ? merged(JSON.parse(await readFile(KEPT, "utf8")), fresh) : fresh;
await writeFile(KEPT, `${JSON.stringify(results, null, 1)}\n`);
for (const { head, rows } of [matrix(fresh), summary(fresh, "fault"), summary(fresh, "level")]) {
  console.table(rows.map((row) => Object.fromEntries(row.map((cell, at) => [head[at], cell]))));
}
