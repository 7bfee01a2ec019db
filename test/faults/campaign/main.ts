/** `npm run faults`: every trial of every level, a table on stdout, the counts in `results.json`. */

import { writeFile } from "node:fs/promises";
import { release } from "node:os";
import { parseArgs } from "node:util";
import vsync from "../../../package.json" with { type: "json" };
import { Campaign } from "./campaign.ts";
import { LEVELS, type Level, matrix, type Results, summary } from "./results.ts";

const { values } = parseArgs({ options: { level: { type: "string", multiple: true } } });
const all = Object.keys(LEVELS) as Level[];
const levels = all.filter((level) => values.level?.includes(level) ?? true);

await using campaign = await Campaign.prepare();
for (const level of levels) {
  const beganMs = Date.now();
  const before = campaign.tally.injected;
  const isRun = await campaign.run(level);
  const how = isRun ? `${campaign.tally.injected - before} faults` : "skipped: this user may not mount a disk";
  console.error(`${level}: ${how}, ${Math.round((Date.now() - beganMs) / 1000)} s`);
}

const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  versions: { vsync: vsync.version, node: process.versions.node, [process.platform]: release() },
  rows: campaign.tally.rows,
};
for (const table of [matrix(results), summary(results, "fault"), summary(results, "level")]) {
  console.table([table.head, ...table.rows]);
}
for (const failure of campaign.tally.failures) console.log(failure);
if (levels.length === all.length) {
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(results, null, 1)}\n`);
}
process.exitCode = campaign.tally.failures.length > 0 ? 1 : 0;
