// `npm run bench` measures and writes lab/bench/results.json after each group. `npm run generate` makes docs/performance.md from it.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GROUP_NAMES, measure } from "./measure.ts";
import type { Results } from "./results.ts";
import { FULL, QUICK } from "./world.ts";

const { values } = parseArgs({
  options: {
    /** Measures every kind of row once, in less than a minute. */
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "results.json") },
    /** Names of groups; default: all. */
    only: { type: "string", multiple: true, default: [] },
  },
});

const unknown = values.only.find((name) => !GROUP_NAMES.includes(name));
if (unknown !== undefined) throw new Error(`unknown group ${unknown}; the groups are ${GROUP_NAMES.join(", ")}`);
// A machine's own settings, which take some programs time and others none. All run without them.
for (const name of ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"]) delete process.env[name];
const say = (line: string) => void process.stderr.write(`${line}\n`);
const failed = await measure(values.quick ? QUICK : FULL, values.only, { say, save });
if (failed.length > 0) {
  say(`failed: ${failed.join(", ")}; what the others measured is in ${values.out}`);
  process.exitCode = 1;
}

/** Renames the new file into place: interrupting a run, even while it writes, keeps the earlier results. */
function save(results: Results): void {
  const part = `${values.out}.part`;
  writeFileSync(part, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(part, values.out);
}
