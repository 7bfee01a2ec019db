import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { InputError } from "../../errors.ts";
import { MAX_VARIABLE_BYTES, measureEnvironment } from "./child-environment.ts";
import { type ChildOutput, SHARED_OUTPUT } from "./child-output.ts";

const FROM_SUPERVISORS = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** A terminal sends these to the program as well: handed on, Ctrl-C would count twice. */
const FROM_TERMINALS = ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGCONT"] as const;

/**
 * Runs a program on this process's stdin, stdout and stderr, hands signals on to it, and resolves with the exit code for
 * this process to end with: the program's own, or 128 + the number of the signal that ended it, as shells do.
 *
 * @param output where its stdout and stderr lead
 * @throws InputError the program cannot be started
 */
export async function runChild(
  commandLine: readonly string[],
  env: NodeJS.ProcessEnv,
  output: ChildOutput = SHARED_OUTPUT,
): Promise<number> {
  let child: ChildProcess | undefined;
  const handOn = (signal: NodeJS.Signals) => [signal, () => void child?.kill(signal)] as const;
  const ignore = (signal: NodeJS.Signals) => [signal, () => undefined] as const;
  const handlers = [...FROM_SUPERVISORS.map(handOn), ...FROM_TERMINALS.map(isatty(0) ? ignore : handOn)];
  // Before the program is there: one that comes while it is being started is handed on once it runs.
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const letGo = () => handlers.forEach(([signal, handler]) => process.off(signal, handler));
  try {
    child = start(commandLine, env, output.stdio);
    const passedOn = output.passOn(child);
    // Awaited below, once the program has ended: until then a failure must not count as unhandled.
    passedOn.catch(() => undefined);
    const exitCode = await exitOf(child, commandLine, env);
    // What the program has left behind may hold its output open for ever: from here on a signal ends this process.
    letGo();
    await passedOn;
    return exitCode;
  } finally {
    letGo();
  }
}

/** `spawn` throws at once where the environment is too large; its other failures come as an event. */
function start(commandLine: readonly string[], env: NodeJS.ProcessEnv, stdio: StdioOptions): ChildProcess {
  const [program = "", ...args] = commandLine;
  try {
    return spawn(program, args, { env, stdio });
  } catch (error) {
    throw notStarted(error as NodeJS.ErrnoException, commandLine, env);
  }
}

function exitOf(child: ChildProcess, commandLine: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(notStarted(error, commandLine, env)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function notStarted(
  { code }: NodeJS.ErrnoException,
  [program = ""]: readonly string[],
  env: NodeJS.ProcessEnv,
): InputError {
  switch (code) {
    case "ENOENT":
      return new InputError(`cannot run ${program}: there is no such program`, { hint: "check its name and the PATH" });
    case "EACCES":
      return new InputError(`cannot run ${program}: it is not executable`, {
        hint: "chmod +x it, or name its interpreter",
      });
    case "E2BIG":
      return tooLarge(program, env);
    default:
      return new InputError(`cannot run ${program}: ${code ?? "it does not start"}`, {
        hint: "see whether it starts without vsync",
      });
  }
}

/** The operating system says no more than that something is too large. */
function tooLarge(program: string, env: NodeJS.ProcessEnv): InputError {
  const { bytes, count, largest } = measureEnvironment(env);
  const isOneTooLarge = process.platform === "linux" && largest.bytes > MAX_VARIABLE_BYTES;
  const fault = isOneTooLarge
    ? `${largest.name} would be a variable of ${largest.bytes} bytes, and Linux takes ${MAX_VARIABLE_BYTES}`
    : `its environment would be ${bytes} bytes in ${count} variables, more than this system takes`;
  return new InputError(`cannot run ${program}: ${fault}`, {
    hint: isOneTooLarge
      ? "leave it out with --except, and let the program read it with `vsync get` or the library"
      : "hand over what it needs with --only=<key>,<key>; it can read large ones with `vsync get` or as files, with the library's path()",
  });
}

/** What follows `--`. @throws InputError nothing does */
export function requiredCommandLine(commandLine: readonly string[] | null): readonly string[] {
  if (commandLine?.[0]) return commandLine;
  throw new InputError("missing the program to run", {
    hint: "name it after --, as in `vsync run prod -- node app.js`",
  });
}
