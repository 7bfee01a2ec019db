import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { InputError } from "../../errors.ts";
import { MAX_VARIABLE_BYTES, measureEnvironment } from "./environment.ts";
import type { ChildOutput } from "./output.ts";

const FROM_SUPERVISORS = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** A terminal sends these to the program itself; forwarding them would count Ctrl-C twice. */
const FROM_TERMINALS = ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGCONT"] as const;

/** The targets of a program's standard streams. */
export interface ChildStreams {
  /** Whether the program gets our stdin; otherwise it reads /dev/null. */
  readonly sharesStdin: boolean;
  readonly output: ChildOutput;
}

/**
 * Runs a program, forwards signals to it, and resolves with its exit code, or 128 + the number of the signal that ended
 * it, as shells do.
 *
 * @throws InputError the program cannot be started
 */
export async function runChild(
  commandLine: readonly string[],
  variables: NodeJS.ProcessEnv,
  { sharesStdin, output }: ChildStreams,
): Promise<number> {
  let child: ChildProcess | undefined;
  const forward = (signal: NodeJS.Signals) => [signal, () => void child?.kill(signal)] as const;
  const ignore = (signal: NodeJS.Signals) => [signal, () => undefined] as const;
  const handlers = [...FROM_SUPERVISORS.map(forward), ...FROM_TERMINALS.map(isatty(0) ? ignore : forward)];
  // Listen before the program starts, so a signal that arrives meanwhile reaches it too.
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const letGo = () => handlers.forEach(([signal, handler]) => process.off(signal, handler));
  try {
    child = start(commandLine, variables, [sharesStdin ? "inherit" : "ignore", ...output.stdio]);
    const passedOn = output.passOn(child);
    // Awaited only after the program has ended; a failure must not count as unhandled until then.
    passedOn.catch(() => undefined);
    const exitCode = await exitOf(child, commandLine, variables);
    // A process that the program left behind may hold the output open for ever; from here on a signal ends us.
    letGo();
    await passedOn;
    return exitCode;
  } finally {
    letGo();
  }
}

/** `spawn` throws if the environment is too large; its other failures arrive as an event. */
function start(commandLine: readonly string[], variables: NodeJS.ProcessEnv, stdio: StdioOptions): ChildProcess {
  const [program = "", ...args] = commandLine;
  try {
    return spawn(program, args, { env: variables, stdio });
  } catch (error) {
    throw notStarted(error as NodeJS.ErrnoException, commandLine, variables);
  }
}

function exitOf(child: ChildProcess, commandLine: readonly string[], variables: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(notStarted(error, commandLine, variables)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function notStarted(
  { code }: NodeJS.ErrnoException,
  [program = ""]: readonly string[],
  variables: NodeJS.ProcessEnv,
): InputError {
  switch (code) {
    case "ENOENT":
      return new InputError(`cannot run ${program}: no such program`, { hint: "check its name and PATH" });
    case "EACCES":
      return new InputError(`cannot run ${program}: not executable`, {
        hint: "make it executable with chmod +x, or name its interpreter",
      });
    case "E2BIG":
      return tooLarge(program, variables);
    default:
      return new InputError(`cannot run ${program}: ${code ?? "it did not start"}`, {
        hint: "check whether it starts without vsync",
      });
  }
}

/** Finds out what is too large, which the operating system does not say. */
function tooLarge(program: string, variables: NodeJS.ProcessEnv): InputError {
  const { bytes, count, largest } = measureEnvironment(variables);
  const isOneTooLarge = process.platform === "linux" && largest.bytes > MAX_VARIABLE_BYTES;
  const fault = isOneTooLarge
    ? `the variable ${largest.name} would have ${largest.bytes} bytes, and Linux takes ${MAX_VARIABLE_BYTES}`
    : `its environment would have ${bytes} bytes in ${count} variables, more than this system takes`;
  return new InputError(`cannot run ${program}: ${fault}`, {
    hint: isOneTooLarge
      ? "leave it out with --except, and let the program read it with `vsync get` or the library"
      : "pass only what it needs with --only=<key>,<key>; it can read large ones with `vsync get` or the library's path()",
  });
}

/** @throws InputError no words after `--` */
export function requiredCommandLine(commandLine: readonly string[] | null): readonly string[] {
  if (commandLine?.[0]) return commandLine;
  throw new InputError("missing the program to run", {
    hint: "name it after --, as in `vsync run prod -- node app.js`",
  });
}
