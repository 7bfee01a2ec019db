import type { Transcript } from "../../../test/support/program/sandbox.ts";
import { ROOT } from "../../../test/support/strict-s3/server.ts";
import { NEW, OLD } from "../../../test/support/world.ts";
import type { Ending } from "./ending.ts";
import { PLANTED, type ProgramOperation } from "./program-operations.ts";

const OUTSTANDING = /its audit row is not written/;
const UNKNOWN = /may or may not have been committed|it is not known whether/;
/** After a failed upload of a rotation: no manifest names what it left. */
const NOT_WRITTEN = /the new generation was not written: /;
const IDLE = /nothing to (?:remove|push)/;
/** In quotes, because messages contain words like `the old passphrase keeps reading`. */
const SECRETS = [...PLANTED, ROOT.secretAccessKey, `'${OLD}'`, `"${NEW}"`];

/** What a command reported, by its words, exit code and streams, which have to agree. */
export function endingOfTranscript(
  operation: Pick<ProgramOperation, "args" | "stdout">,
  transcript: Transcript,
  codes: readonly number[],
): Ending {
  if (transcript.exitCode === null) return { said: "nothing" };
  const { stdout, stderr, exitCode } = transcript;
  const ending = wordsOf(operation, transcript);
  const fault =
    leakIn(operation, transcript) ??
    streamFault(operation, transcript) ??
    codeFault(operation, ending, exitCode, codes);
  return fault === null ? ending : { said: "crashed", message: `${fault}: exit code ${exitCode}, ${stderr}${stdout}` };
}

function wordsOf({ args }: Pick<ProgramOperation, "args">, { stderr, exitCode }: Transcript): Ending {
  if (exitCode === 0 && (args[0] === "run" || IDLE.test(stderr))) return { said: "idle" };
  if (OUTSTANDING.test(stderr)) return { said: "outstanding" };
  if (exitCode === 0) return { said: "done" };
  return { said: UNKNOWN.test(stderr) && !NOT_WRITTEN.test(stderr) ? "unknown" : "refused", message: stderr.trim() };
}

function leakIn({ args }: Pick<ProgramOperation, "args">, { stdout, stderr }: Transcript): string | null {
  // `run` passes its stdout to a program that prints a value.
  const said = args[0] === "run" ? stderr : stdout + stderr;
  return SECRETS.some((secret) => said.includes(secret)) ? "it printed a secret" : null;
}

function streamFault(
  { stdout: expected = /^$/ }: Pick<ProgramOperation, "stdout">,
  { stdout, stderr, exitCode }: Transcript,
): string | null {
  if (exitCode === 0) return expected.test(stdout) ? null : "stdout is not the result";
  if (stdout !== "") return "it failed, and wrote to stdout";
  const errors = stderr.split("\n").filter((line) => line.startsWith("vsync: error: "));
  return errors.length === 1 && !errors[0]?.includes("unexpected") ? null : "it failed without one error line";
}

/** 0 only if the commit stands; a failure has the documented code of its cause. */
function codeFault(
  { args }: Pick<ProgramOperation, "args">,
  ending: Ending,
  exitCode: number | null,
  codes: readonly number[],
): string | null {
  const isRotation = args[0] === "rotate-passphrase";
  const documented = (): readonly number[] => {
    switch (ending.said) {
      case "done":
      case "idle":
        return [0];
      case "outstanding":
        return [isRotation ? 4 : 0];
      case "unknown":
        return [3];
      default:
        return codes;
    }
  };
  return documented().some((code) => code === exitCode) ? null : `not the documented exit code (${documented()})`;
}
