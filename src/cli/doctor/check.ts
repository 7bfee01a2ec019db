import { type ErrorCode, VsyncError } from "../../errors.ts";
import { DAY_TO_DAY_EXIT_CODES } from "../../exit-codes.ts";
import { wrap } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";

/** The subjects of the checks, in the order of the report. */
export type Subject =
  | "config"
  | "store"
  | "clock"
  | "credentials"
  | "preconditions"
  | "manifest"
  | "rollback"
  | "access"
  | "passphrase"
  | "audit"
  | "required"
  | "tokens"
  | "runtime key"
  | "scoped token";

export interface Check {
  readonly subject: Subject;
  /** `unproven`: looks good, but only a passphrase could prove it. */
  readonly state: "good" | "unproven" | "warning" | "bad";
  readonly message: string;
  /** The command or step that helps. */
  readonly next: string | null;
  /** For a bad check: the code of the error that a command would end with. */
  readonly code: ErrorCode | null;
}

/** The result of `examine`. */
export interface Examination {
  /** `repo` is null on a host without a config: nothing says which repo the vault belongs to. */
  readonly target: { readonly repo: string | null; readonly env: string };
  readonly hasPassphrase: boolean;
  /** Each check, as soon as it is known. A check is skipped if one that it depends on is bad. */
  readonly checks: AsyncIterable<Check>;
}

export function good(subject: Subject, message: string): Check {
  return { subject, state: "good", message, next: null, code: null };
}

export function unproven(subject: Subject, message: string): Check {
  return { ...good(subject, message), state: "unproven" };
}

export function warning(subject: Subject, message: string, next: string): Check {
  return { subject, state: "warning", message, next, code: null };
}

export function bad(subject: Subject, error: VsyncError): Check {
  return { subject, state: "bad", message: error.message, next: error.hint ?? null, code: error.code };
}

/**
 * Turns a failure of a vault or store into a check.
 *
 * @throws any other error
 */
export function badOrThrow(subject: Subject, error: unknown): Check {
  if (error instanceof VsyncError) return bad(subject, error);
  throw error;
}

/** Runs some checks. A failure of a vault or store becomes a check, too; then it returns null. */
export async function* attempt<T>(subject: Subject, checks: AsyncGenerator<Check, T>): AsyncGenerator<Check, T | null> {
  try {
    return yield* checks;
  } catch (error) {
    yield badOrThrow(subject, error);
    return null;
  }
}

/** 0, or the code of the first bad check. */
function exitCodeOfChecks(checks: readonly Check[]): number {
  const first = checks.find(({ code }) => code !== null)?.code;
  return first === undefined || first === null ? 0 : DAY_TO_DAY_EXIT_CODES.failures[first];
}

const MIN_TEXT_COLUMNS = 30;
const MARKS = {
  good: ["green", "✓"],
  unproven: ["cyan", "?"],
  warning: ["yellow", "!"],
  bad: ["red", "✗"],
} as const;
const SUBJECT_WIDTH = "preconditions".length;

/** Prints one line per check as soon as it is known, or all of them as JSON. Returns the exit code. */
export async function renderExamination(
  { target, checks, hasPassphrase }: Examination,
  output: Output,
  options: { readonly asJson: boolean },
): Promise<number> {
  const all: Check[] = [];
  for await (const check of checks) {
    all.push(check);
    if (!options.asJson) renderCheck(check, output);
  }
  const exitCode = exitCodeOfChecks(all);
  if (options.asJson) output.json({ repo: target.repo, env: target.env, isHealthy: exitCode === 0, checks: all });
  else if (exitCode === 0 && !hasPassphrase)
    output.say("with a passphrase (VSYNC_PASSPHRASE…), doctor proves each ? and checks more");
  return exitCode;
}

/** One line for a program; on a terminal, wrapped to its width. */
function renderCheck({ state, subject, message, next }: Check, output: Output): void {
  const head = `${subject.padEnd(SUBJECT_WIDTH)}  `;
  const [style, mark] = MARKS[state];
  const indent = " ".repeat(mark.length + 1 + head.length);
  const text = next === null ? message : `${message}; next: ${next}`;
  const { columns } = output;
  const [first = "", ...more] =
    columns === undefined ? [text] : wrap(text, Math.max(MIN_TEXT_COLUMNS, columns - indent.length));
  output.marked(style, mark, head + first);
  for (const line of more) output.line(indent + line);
}
