import { VsyncError } from "../../errors.ts";
import { type ExitCodes, UNEXPECTED_EXIT_CODE } from "../../exit-codes.ts";
import type { Output } from "../terminal/output.ts";

export function exitCodeOf(error: unknown, codes: ExitCodes): number {
  return error instanceof VsyncError ? codes.failures[error.code] : UNEXPECTED_EXIT_CODE;
}

/** `vsync: error: …` and `vsync: hint: …` on stderr, and the stack only where it was asked for. */
export function reportFailure(error: unknown, output: Output, options: { readonly withStack: boolean }): void {
  if (error instanceof VsyncError) {
    output.error(error.message);
    if (error.hint !== undefined) output.hint(error.hint);
  } else if (isOutputFault(error)) {
    output.error(
      `the output cannot be written: ${error.code === "EBADF" ? "stdout is closed" : (error.code ?? error.message)}`,
    );
    output.hint("check the disk, or where stdout leads");
  } else {
    output.error(`unexpected: ${describe(error)}`);
    if (!options.withStack) output.hint("this is a fault of vsync: run it again with --log-level=debug and report it");
  }
  if (options.withStack && error instanceof Error) for (const line of stackOf(error)) output.say(line);
}

function isOutputFault(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && error.syscall === "write";
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: Error): readonly string[] {
  return error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
}
