// `npm run bench`: measures, and writes lab/bench/results.json after each group. `npm run generate` makes docs/performance.md of it.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GROUP_NAMES, measure } from "./measure.ts";
import type { Results } from "./results.ts";
import { FULL, QUICK } from "./world.ts";

const { values } = parseArgs({
  options: {
    /** Every kind of row once, in less than a minute. */
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "results.json") },
    /** Of the groups' names; default: all. */
    only: { type: "string", multiple: true, default: [] },
  },
});

const unknown = values.only.find((name) => !GROUP_NAMES.includes(name));
if (unknown !== undefined) throw new Error(`no group is called ${unknown}: there are ${GROUP_NAMES.join(", ")}`);
// 40 ms for Node.js 20 and nothing for others: measured without, for all of them
delete process.env["NODE_EXTRA_CA_CERTS"];
delete process.env["NODE_OPTIONS"];
const say = (line: string) => void process.stderr.write(`${line}\n`);
const failed = await measure(values.quick ? QUICK : FULL, values.only, { say, save });
if (failed.length > 0) {
  say(`failed: ${failed.join(", ")}; what the others measured is in ${values.out}`);
  process.exitCode = 1;
}

/** Whoever ends a run, even while it writes, keeps what was measured before. */
function save(results: Results): void {
  const part = `${values.out}.part`;
  writeFileSync(part, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(part, values.out);
}
