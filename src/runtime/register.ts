/**
 * `node --import vsync/register app.js`: opens the vault before the app starts and puts its secrets into `process.env`,
 * for programs that read only that. Variables that are already set win. If the vault does not open, the app does not
 * start: two lines on stderr, exit code 1.
 */
import { isMainThread } from "node:worker_threads";
import { VsyncError } from "../errors.ts";
import { fillEnvironment } from "./fill-environment.ts";
import { warnThrough } from "./options.ts";
import { Vsync } from "./vsync.ts";

try {
  // Worker threads start with a copy of their parent's variables.
  if (isMainThread) await fillFromVault();
} catch (error) {
  if (!(error instanceof VsyncError)) throw error;
  process.stderr.write(`vsync: error: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`vsync: hint: ${error.hint}\n`);
  process.exit(1);
}

async function fillFromVault(): Promise<void> {
  await using vault = await Vsync.open();
  fillEnvironment(vault, process.env, warnThrough({}));
}
