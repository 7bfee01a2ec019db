import type { Output } from "../output.ts";
import type { Check } from "./check.ts";
import { exitCodeOfChecks } from "./check.ts";
import type { Examination } from "./examine.ts";

const MARKS = { good: "✓", warning: "!", bad: "✗" } as const;
const SUBJECT_WIDTH = "preconditions".length;

/** One line a check, as it becomes known, or all of them as JSON. Returns the exit code. */
export async function renderExamination(
  { target, checks, hasPassphrase }: Examination,
  output: Output,
  options: { readonly asJson: boolean },
): Promise<number> {
  const all: Check[] = [];
  for await (const check of checks) {
    all.push(check);
    if (!options.asJson) output.line(lineOf(check));
  }
  const exitCode = exitCodeOfChecks(all);
  if (options.asJson) output.json({ ...target, isHealthy: exitCode === 0, checks: all });
  else if (exitCode === 0 && !hasPassphrase)
    output.say("with the passphrase (VSYNC_PASSPHRASE…) more can be looked at");
  return exitCode;
}

function lineOf({ state, subject, message, next }: Check): string {
  const line = `${MARKS[state]} ${subject.padEnd(SUBJECT_WIDTH)}  ${message}`;
  return next === null ? line : `${line}; next: ${next}`;
}
