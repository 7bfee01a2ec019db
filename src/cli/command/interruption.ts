import { constants } from "node:os";
import { LEAVE_PROMPT } from "../terminal/job-control.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";
import { STDERR } from "../terminal/standard-streams.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export const HANG_UP_EXIT_CODE = 128 + constants.signals.SIGHUP;

/** A prompt's line reader meets the end of a terminal that has gone before the signal says so, and fails to put it right. */
export function saysHangUp({ message }: Error): boolean {
  return /^setRawMode (EIO|failed)/.test(message);
}

/**
 * Until the returned function is called, a signal ends the process at once with 128 + its number, as a shell reports it.
 * That is no worse than SIGKILL, which every write is made for; Node.js puts the terminal's modes back as it exits.
 */
export function endOnSignals(output: Output, prompter: Pick<Prompter, "isAsking">): () => void {
  const end = (signal: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[signal];
    // A prompt tidies up as the process exits, which fails where the terminal has gone.
    process.removeAllListeners("uncaughtException").once("uncaughtException", () => process.exit(exitCode));
    if (prompter.isAsking) STDERR.write(LEAVE_PROMPT);
    output.error(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    process.exit(exitCode);
  };
  for (const signal of SIGNALS) process.once(signal, end);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, end);
  };
}
