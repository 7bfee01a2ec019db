import { constants } from "node:os";
import type { Output } from "../terminal/output.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Until the returned function is called, a signal ends the process at once with 128 + its number, as a shell reports it.
 * That is no worse than SIGKILL, which every write is made for; Node.js puts the terminal's modes back as it exits.
 */
export function endOnSignals(output: Output): () => void {
  const end = (signal: NodeJS.Signals): void => {
    output.showCursor();
    output.error(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.once(signal, end);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, end);
  };
}
