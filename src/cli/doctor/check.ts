import { type ErrorCode, VsyncError } from "../../errors.ts";
import { DAY_TO_DAY_EXIT_CODES } from "../../exit-codes.ts";

/** What is looked at, in this order. */
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
  | "runtime key";

/** What one look has shown. */
export interface Check {
  readonly subject: Subject;
  readonly state: "good" | "warning" | "bad";
  readonly message: string;
  /** What to do about it. */
  readonly next: string | null;
  /** Of a bad check: the error that a command would end with. */
  readonly code: ErrorCode | null;
}

export function good(subject: Subject, message: string): Check {
  return { subject, state: "good", message, next: null, code: null };
}

export function warning(subject: Subject, message: string, next: string): Check {
  return { subject, state: "warning", message, next, code: null };
}

export function bad(subject: Subject, error: VsyncError): Check {
  return { subject, state: "bad", message: error.message, next: error.hint ?? null, code: error.code };
}

/** The check that a failure makes; what is no failure of a vault or store is thrown on. */
export function badOrThrow(subject: Subject, error: unknown): Check {
  if (error instanceof VsyncError) return bad(subject, error);
  throw error;
}

/** 0 where nothing is bad, else the code of the first that is. */
export function exitCodeOfChecks(checks: readonly Check[]): number {
  const first = checks.find(({ code }) => code !== null)?.code;
  return first === undefined || first === null ? 0 : DAY_TO_DAY_EXIT_CODES.failures[first];
}
