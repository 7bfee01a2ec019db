import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { InputError } from "../errors.ts";

const FROM_SUPERVISORS = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** A terminal sends these to the program as well: handed on, Ctrl-C would count twice. */
const FROM_TERMINALS = ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGCONT"] as const;

/**
 * Runs a program on this one's stdin, stdout and stderr, hands signals on to it, and resolves with the exit code that this
 * process is to end with: the program's own, or 128 + the signal that ended it, as a shell says it.
 *
 * @throws InputError the program cannot be started
 */
export async function runChild(commandLine: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = "", ...args] = commandLine;
  let child: ChildProcess | undefined;
  const handOn = (signal: NodeJS.Signals) => [signal, () => void child?.kill(signal)] as const;
  const ignore = (signal: NodeJS.Signals) => [signal, () => undefined] as const;
  const handlers = [...FROM_SUPERVISORS.map(handOn), ...FROM_TERMINALS.map(isatty(0) ? ignore : handOn)];
  // Before the program is there: one that comes while it is being started is handed on once it runs.
  for (const [signal, handler] of handlers) process.on(signal, handler);
  try {
    child = start(program, args, env);
    return await exitOf(child, program);
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

/** An environment that is too large is thrown at once; other failures come as an event. */
function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  try {
    return spawn(program, args, { env, stdio: "inherit" });
  } catch (error) {
    throw notStarted(error as NodeJS.ErrnoException, program);
  }
}

function exitOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(notStarted(error, program)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function notStarted({ code }: NodeJS.ErrnoException, program: string): InputError {
  switch (code) {
    case "ENOENT":
      return new InputError(`cannot run ${program}: there is no such program`, { hint: "check its name and the PATH" });
    case "EACCES":
      return new InputError(`cannot run ${program}: it is not executable`, {
        hint: "chmod +x it, or name its interpreter",
      });
    case "E2BIG":
      return new InputError(`cannot run ${program}: the secrets are larger than this system lets an environment be`, {
        hint: "hand over fewer, or let the program read the vault itself with the library",
      });
    default:
      return new InputError(`cannot run ${program}: ${code ?? "it does not start"}`, {
        hint: "see whether it starts without vsync",
      });
  }
}
