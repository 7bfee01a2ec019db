import { fileURLToPath } from "node:url";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

/** The command line of `probe-program.ts`. */
export const PROBE: readonly string[] = [
  process.execPath,
  ...COMPILE_CACHE,
  fileURLToPath(new URL("./probe-program.ts", import.meta.url)),
];
