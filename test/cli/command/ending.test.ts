import { describe, expect, test } from "vitest";
import { exitCodeOf, failureJson, reportFailure } from "../../../src/cli/command/ending.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { OutputFault } from "../../../src/cli/terminal/standard-streams.ts";
import * as errors from "../../../src/errors.ts";
import {
  DAY_TO_DAY_EXIT_CODES,
  ROTATE_EXIT_CODES,
  RUN_EXIT_CODES,
  RUNTIME_TOKEN_EXIT_CODES,
} from "../../../src/exit-codes.ts";

/** The exit codes of everyday commands (and `runtime-token`), and those of `rotate-passphrase`. */
const NUMBERS: Readonly<
  Record<Exclude<errors.ErrorCode, "PROGRAM_NOT_FOUND" | "PROGRAM_NOT_STARTED">, readonly [number, number]>
> = {
  INPUT: [1, 1],
  CONFIG_MISSING: [1, 1],
  CONFIG_INVALID: [1, 1],
  CONFIG_UNSUPPORTED_VERSION: [1, 1],
  WRONG_PASSPHRASE: [1, 1],
  PASSPHRASE_RETIRED: [1, 1],
  TOKEN_UNKNOWN: [1, 1],
  TOKEN_REVOKED: [1, 1],
  TOKEN_EXPIRED: [1, 1],
  TOKEN_UNDELIVERED: [1, 1],
  GRANT_INVALID: [1, 1],
  ACCESS_TOKEN: [1, 1],
  MANIFEST_NOT_FOUND: [1, 1],
  ACCESS_DENIED: [2, 2],
  S3_UNREACHABLE: [3, 2],
  MANIFEST_SWAP_FAILED: [3, 3],
  OUTCOME_UNKNOWN: [3, 3],
  VAULT_MOVED: [4, 5],
  LOCAL_CONFIG_MISSING: [4, 5],
  AUDIT_OUTSTANDING: [5, 4],
  PASSPHRASE_UNDELIVERED: [5, 4],
  CONFLICT: [5, 3],
  STALE_BASE: [5, 3],
  AUDIT_BROKEN: [6, 6],
  BUNDLE_CORRUPT: [6, 6],
  NOT_AUTHENTIC: [6, 6],
  ROLLBACK: [6, 6],
  UNSUPPORTED_SPEC_VERSION: [6, 6],
  INTERRUPTED: [130, 130],
};

describe("exit codes never change", () => {
  test.each(Object.entries(NUMBERS))("%s: %j", (code, [dayToDay, rotate]) => {
    const error = Object.assign(new errors.ConflictError("failed"), { code });
    expect(exitCodeOf(error, DAY_TO_DAY_EXIT_CODES)).toBe(dayToDay);
    expect(exitCodeOf(error, RUNTIME_TOKEN_EXIT_CODES)).toBe(dayToDay);
    expect(exitCodeOf(error, ROTATE_EXIT_CODES)).toBe(rotate);
    expect(DAY_TO_DAY_EXIT_CODES.meanings).toHaveProperty(String(dayToDay));
    expect(ROTATE_EXIT_CODES.meanings).toHaveProperty(String(rotate));
  });

  test.each([
    [new errors.ProgramNotFoundError(""), 127],
    [new errors.ProgramNotStartedError(""), 126],
    [new errors.WrongPassphraseError(""), 1],
  ])("of run: %s, %i", (error, code) => {
    expect(exitCodeOf(error, RUN_EXIT_CODES)).toBe(code);
    expect(RUN_EXIT_CODES.meanings).toHaveProperty(String(code));
  });

  test("a bug ends with 1", () => {
    expect(exitCodeOf(new RangeError("boom"), ROTATE_EXIT_CODES)).toBe(1);
  });
});

function reported(error: unknown, withStack = false): string {
  let text = "";
  const sink = { write: (chunk: string | Uint8Array) => (text += String(chunk)) };
  reportFailure(error, new Output(sink, sink, {}), { withStack });
  return text;
}

test("a failure is a line and its hint, and neither can control a terminal", () => {
  const error = new errors.ConflictError("it\u001b[31m failed\nvsync: error: forged", { hint: "next\u202e" });
  expect(reported(error)).toBe("vsync: error: it\\x1b[31m failed\\nvsync: error: forged\nvsync: hint: next\\u202e\n");
  expect(reported(new errors.AuditBrokenError(3, "broken"))).toBe("vsync: error: broken\n");
});

test("a bug shows its stack only on request", () => {
  const hint = "vsync: hint: this is a bug in vsync: run it again with --log-level=debug and report it\n";
  expect(reported(new RangeError("boom"))).toBe(`vsync: error: unexpected: RangeError: boom\n${hint}`);
  expect(reported(new RangeError("boom"), true)).toMatch(/^vsync: error: unexpected: RangeError: boom\n {4}at /);
  expect(reported("boom")).toContain("unexpected: boom\n");
});

test.each([
  ["EIO", "input/output error (EIO)", "check the disk"],
  ["EACCES", "permission denied (EACCES)", "check who owns the folder, its mode, and how it is mounted"],
  ["EOVERFLOW", "EOVERFLOW", "check the disk"],
])("a file that fails is not a bug: %s", (code, reason, hint) => {
  const fault = Object.assign(new Error(`${code}: as Node.js says it`), { code, syscall: "lstat", path: "/x/y" });
  expect(exitCodeOf(fault, ROTATE_EXIT_CODES)).toBe(1);
  expect(reported(fault)).toBe(`vsync: error: cannot use /x/y: ${reason}\nvsync: hint: ${hint}\n`);
  expect(failureJson(fault, 1)).toEqual({
    error: { code: "INPUT", exit_code: 1, message: `cannot use /x/y: ${reason}`, hint },
  });
});

test("a file that fails while it is open has no name, and a connection is not a file", () => {
  const fault = (code: string, syscall = "read") => Object.assign(new Error(code), { code, syscall });
  expect(reported(fault("ENOSPC", "write"))).toContain("cannot use a file of this machine: no space left on");
  expect(reported(fault("EIO"))).toContain("cannot use a file of this machine: input/output error (EIO)\n");
  expect(reported(fault("ECONNRESET"))).toContain("unexpected: Error: ECONNRESET\n");
});

test.each([
  ["ENOSPC", "no space left on the device (ENOSPC)"],
  ["EBADF", "stdout is closed"],
])("output that cannot be written is not a bug: %s", (code, said) => {
  expect(reported(new OutputFault(code))).toBe(
    `vsync: error: the output cannot be written: ${said}\nvsync: hint: check the disk, or where stdout leads\n`,
  );
});
