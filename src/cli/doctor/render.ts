import type { Output } from "../terminal/output.ts";
import { wrap } from "../terminal/wrap.ts";
import type { Check } from "./check.ts";
import { exitCodeOfChecks } from "./check.ts";
import type { Examination } from "./examine.ts";

const MIN_TEXT_COLUMNS = 30;
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
    if (!options.asJson) for (const line of linesOf(check, output.columns)) output.line(line);
  }
  const exitCode = exitCodeOfChecks(all);
  if (options.asJson) output.json({ ...target, isHealthy: exitCode === 0, checks: all });
  else if (exitCode === 0 && !hasPassphrase)
    output.say("given the passphrase (VSYNC_PASSPHRASE…), more can be checked");
  return exitCode;
}

/** One line for a program, as many as the terminal is narrow for a person. */
function linesOf({ state, subject, message, next }: Check, columns: number | undefined): readonly string[] {
  const head = `${MARKS[state]} ${subject.padEnd(SUBJECT_WIDTH)}  `;
  const text = next === null ? message : `${message}; next: ${next}`;
  if (columns === undefined) return [head + text];
  const lines = wrap(text, Math.max(MIN_TEXT_COLUMNS, columns - head.length));
  return lines.map((line, index) => (index === 0 ? head : " ".repeat(head.length)) + line);
}
