/** `npm run fuzz [-- --target=manifest …] [--seconds=20] [--seed=…]` fuzzes each target for that long and extends the corpus. */

import { parseArgs } from "node:util";
import { Fuzzer } from "./campaign.ts";
import { targets } from "./corpus.ts";
import { Coverage } from "./coverage.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    seconds: { type: "string", default: "20" },
    seed: { type: "string" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const chosen = (await targets()).filter(({ name }) => values.target?.includes(name) ?? true);
using coverage = new Coverage();
console.error(`fuzz: seed ${seed}, ${chosen.length} targets, ${values.seconds} s each`);
const found: Record<string, object> = {};
for (const target of chosen) {
  const { failure, ...counts } = await new Fuzzer(target, coverage, seed).run(Number(values.seconds) * 1000);
  found[target.name] = counts;
  if (failure === null) continue;
  console.error(`${target.name}: ${failure}\nkept in lab/fuzz/regressions/${target.name}.txt`);
  process.exitCode = 1;
}
console.table(found);
