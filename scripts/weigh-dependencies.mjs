// Measures the cost of each run-time dependency for decision 0007: packages, megabytes, and how much longer Node.js
// takes to start with it. It takes the fastest of interleaved runs, because load can only add time.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bytesOf, justified, productionTree, weightOf } from "./supply-chain/dependencies.ts";

const RUNS = 20;
const names = [...justified().keys()];
/** What to import from a package without a main module. */
const ENTRIES = { "@noble/curves": "@noble/curves/ed25519.js", "@noble/hashes": "@noble/hashes/hkdf.js" };
const root = join(import.meta.dirname, "..");
const started = (code) => {
  const before = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: root, stdio: "ignore" });
  if (status !== 0) throw new Error(`node -e ${JSON.stringify(code)} ended with ${status}`);
  return Number(process.hrtime.bigint() - before) / 1e6;
};

const times = new Map(["", ...names].map((name) => [name, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, taken] of times)
    taken.push(started(name === "" ? "0" : `await import(${JSON.stringify(ENTRIES[name] ?? name)})`));
}
const control = Math.min(...times.get(""));

for (const name of names) {
  const { packages, megabytes } = weightOf(name);
  const ratio = (Math.min(...times.get(name)) / control).toFixed(2);
  process.stdout.write(`${name}: ${packages} packages, ${megabytes.toFixed(1)} MB, ${ratio} × node -e 0\n`);
}
const all = [...productionTree().keys()];
const megabytes = all.reduce((sum, folder) => sum + bytesOf(folder), 0) / 1e6;
process.stdout.write(`all: ${all.length} packages, ${megabytes.toFixed(1)} MB\n`);
