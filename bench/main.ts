// `npm run bench`: measures, and writes bench/results.json. `npm run generate` makes docs/performance.md of it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GROUP_NAMES, measure } from "./measure.ts";
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
const results = await measure(values.quick ? QUICK : FULL, values.only, (line) => process.stderr.write(`${line}\n`));
writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`);
