/** `npm run soak -- --seed=… --minutes=…` simulates that many minutes. If the model disagrees, it prints the seed and exits with 1. */

import { parseArgs } from "node:util";
import { Soak } from "./soak.ts";

/** The run ends after this time in any case. */
const LONGEST_MS = 9 * 60_000;

const { values } = parseArgs({ options: { seed: { type: "string" }, minutes: { type: "string", default: "60" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const beganMs = Date.now();
console.error(`soak: seed ${seed}, ${values.minutes} simulated minutes`);
const soak = await Soak.begin(seed);
try {
  const isOver = (): boolean => Date.now() - beganMs > LONGEST_MS;
  const { commands, simulatedMs, ...counts } = await soak.run(Number(values.minutes) * 60_000, isOver);
  console.table(commands);
  const seconds = Math.round((Date.now() - beganMs) / 1000);
  console.log({ seed, simulatedMinutes: Math.round(simulatedMs / 60_000), ...counts, seconds });
} catch (error) {
  console.error(error);
  console.error(`again: npm run soak -- --seed=${seed} --minutes=${values.minutes}`);
  process.exitCode = 1;
}
