import { fileURLToPath } from "node:url";

/** The command line of `probe-program.ts`. */
export const PROBE: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL("./probe-program.ts", import.meta.url)),
];
