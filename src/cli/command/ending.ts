import { constants } from "node:os";
import { fileFault, reasonOf } from "../../disk/faults.ts";
import { AuditBrokenError, VsyncError } from "../../errors.ts";
import { type ExitCodes, UNEXPECTED_EXIT_CODE } from "../../exit-codes.ts";
import type { Output } from "../terminal/output.ts";
import { LEAVE_PROMPT, type Prompter } from "../terminal/prompter.ts";
import { OutputFault, STDERR } from "../terminal/standard-streams.ts";

export function exitCodeOf(error: unknown, codes: ExitCodes): number {
  const known = knownOf(error);
  return known === null ? UNEXPECTED_EXIT_CODE : codes.failures[known.code];
}

/** A failure as `--json` shows it, in place of the result. docs/exit-codes.md describes the fields. */
export function failureJson(error: unknown, exitCode: number): object {
  const known = knownOf(error);
  const { code, message, hint = null } = known ?? { code: "UNEXPECTED", message: describe(error) };
  const row = error instanceof AuditBrokenError ? { row: error.row } : {};
  return { error: { code, exit_code: exitCode, message, hint, ...row } };
}

/** Prints `vsync: error: …` and `vsync: hint: …` on stderr, and the stack only on request. */
export function reportFailure(error: unknown, output: Output, options: { readonly withStack: boolean }): void {
  const known = knownOf(error);
  if (known !== null) {
    output.error(known.message);
    if (known.hint !== undefined) output.hint(known.hint);
  } else if (error instanceof OutputFault) {
    output.error(`the output cannot be written: ${error.code === "EBADF" ? "stdout is closed" : reasonOf(error.code)}`);
    output.hint("check the disk, or where stdout leads");
  } else {
    output.error(`unexpected: ${describe(error)}`);
    if (!options.withStack) output.hint("this is a bug in vsync: run it again with --log-level=debug and report it");
  }
  if (options.withStack && error instanceof Error) for (const line of stackOf(error)) output.say(line);
}

/** A disk may fail at any file, so that is not a bug either. */
function knownOf(error: unknown): VsyncError | null {
  return error instanceof VsyncError ? error : fileFault(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: Error): readonly string[] {
  return error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export const HANG_UP_EXIT_CODE = 128 + constants.signals.SIGHUP;

/** When a terminal goes away, a prompt's line reader may fail before SIGHUP arrives. */
export function saysHangUp({ message }: Error): boolean {
  return /^setRawMode (EIO|failed)/.test(message);
}

/**
 * Until you call the returned function, a signal ends the process at once with 128 + its number, as a shell reports it.
 * That is safe because every write survives SIGKILL. Node.js restores the terminal's modes as it exits.
 */
export function endOnSignals(output: Output, prompter: Pick<Prompter, "isAsking">): () => void {
  const end = (signal: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[signal];
    // A prompt tidies up as the process exits, and fails if the terminal is gone.
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
