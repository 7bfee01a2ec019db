/** `npm run faults [-- --level=S3 … --at-once=4]` runs every trial, prints tables and saves the counts in `results.json`. */

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import vsync from "../../../package.json" with { type: "json" };
import { Campaign } from "./campaign.ts";
import { AT_ONCE } from "./program-level.ts";
import { LEVELS, type Level, matrix, merged, type Results, summary } from "./results.ts";

const KEPT = new URL("results.json", import.meta.url);

const { values } = parseArgs({
  options: { level: { type: "string", multiple: true }, "at-once": { type: "string", default: String(AT_ONCE) } },
});
const all = Object.keys(LEVELS) as Level[];
const levels = all.filter((level) => values.level?.includes(level) ?? true);

const date = new Date().toISOString().slice(0, 10);
const versions = { vsync: vsync.version, node: process.versions.node, [process.platform]: process.arch };
const run: Level[] = [];
const failed: Level[] = [];

await using campaign = await Campaign.prepare(Number(values["at-once"]));
for (const level of levels) {
  const beganMs = Date.now();
  const before = campaign.tally.injected;
  const said = await outcomeOf(level);
  const seconds = Math.round((Date.now() - beganMs) / 1000);
  console.error(`${level}: ${campaign.tally.injected - before} faults, ${seconds} s${said}`);
  for (const failure of campaign.tally.failures.splice(0)) {
    console.error(failure);
    failed.push(level);
  }
  await keep();
}

for (const { head, rows } of [matrix(fresh()), summary(fresh(), "fault"), summary(fresh(), "level")]) {
  console.table(rows.map((row) => Object.fromEntries(row.map((cell, at) => [head[at], cell]))));
}
if (failed.length > 0) {
  console.error(`failed: ${[...new Set(failed)].join(", ")}`);
  process.exitCode = 1;
}

/** A level that fails before its end counts as not run; the others continue. */
async function outcomeOf(level: Level): Promise<string> {
  try {
    const { isRun, leftOut } = await campaign.run(level);
    if (isRun) run.push(level);
    return leftOut === null ? "" : `; left out: ${leftOut}`;
  } catch (error) {
    failed.push(level);
    return `; ended by ${String(error)}`;
  }
}

function fresh(): Results {
  return {
    runs: Object.fromEntries(run.map((level) => [level, { date, versions }])),
    rows: campaign.tally.rows.filter(({ level }) => run.includes(level)),
  };
}

/** Saves after every level, so a later failure cannot lose earlier counts. */
async function keep(): Promise<void> {
  const results = existsSync(KEPT) ? merged(JSON.parse(await readFile(KEPT, "utf8")), fresh()) : fresh();
  await writeFile(KEPT, `${JSON.stringify(results, null, 1)}\n`);
}
