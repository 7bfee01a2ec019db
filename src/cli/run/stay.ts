import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { constants as os } from "node:os";
import { isatty } from "node:tty";
import { type Child, type Surroundings, startChild } from "./child.ts";
import type { Ending, Libc } from "./libc.ts";
import type { Program } from "./program.ts";
import { Witness } from "./redaction/witness.ts";

const FORWARDED = [
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGIO",
  "SIGWINCH",
] as const;
/**
 * On a terminal these stop vsync together with the program. In a service they are meant for the program, as with
 * gunicorn.
 */
const OF_JOBS = ["SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT"] as const;
/** A terminal sends these to all foreground processes. */
const FROM_TERMINALS: readonly string[] = ["SIGINT", "SIGQUIT"];

/**
 * Stays beside the program until it ends. Forwards signals that were sent to vsync alone, and resolves with how the
 * program ended.
 *
 * @throws ProgramNotStartedError
 */
export async function stayBeside(program: Program, around: Surroundings): Promise<Pick<Ending, "code" | "signal">> {
  let child: Child | undefined;
  // Listen before the program starts, so a signal in between reaches it too.
  using signals = forwarding(around, (signal) => child?.kill(signal));
  child = await startChild(program, around);
  // Awaited only after the program has ended; until then a failure must not count as unhandled.
  child.passedOn.catch(() => undefined);
  const ended = await child.ended;
  // The program may have left a process behind that keeps the output open. From here on, a signal ends vsync.
  signals[Symbol.dispose]();
  await child.passedOn;
  return ended;
}

export function forwarding(
  { caller }: Pick<Surroundings, "caller">,
  send: (signal: NodeJS.Signals) => void,
): Disposable {
  const witness = new Witness();
  const forward = async (signal: NodeJS.Signals): Promise<void> => {
    const wasSeen = await witness.saw(signal);
    if (wasSeen ?? (FROM_TERMINALS.includes(signal) && isatty(0))) return;
    send(signal);
  };
  const listener = (signal: NodeJS.Signals): void => void forward(signal);
  // A listener here would stop the program from ignoring signals that the caller ignores.
  const all = hasTerminal() ? FORWARDED : [...FORWARDED, ...OF_JOBS];
  const heard = all.filter((signal) => !caller.ignored.includes(signal));
  for (const signal of heard) process.on(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const signal of heard) process.off(signal, listener);
      witness[Symbol.dispose]();
    },
  };
}

/** Whether a terminal controls this process, even if stdin is something else. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Long enough for a signal to this process to end it. */
const DYING_MS = 200;

/**
 * Ends vsync the way the program ended: a shell stops a script at Ctrl-C only if SIGINT killed the command. Returns the
 * exit code if the signal does not end vsync, as in PID 1.
 */
export async function endLike({ code, signal }: Pick<Ending, "code" | "signal">, libc: Libc | null): Promise<number> {
  if (signal === null) return code ?? 1;
  const exitCode = 128 + os.signals[signal];
  if (libc !== null) libc.dieBy(signal);
  else if (!wouldDumpCore(signal)) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  await new Promise((resolve) => setTimeout(resolve, DYING_MS));
  return exitCode;
}

/** See signal(7), "Core". */
const DUMPING: readonly string[] = [
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGQUIT",
  "SIGSEGV",
  "SIGSYS",
  "SIGTRAP",
  "SIGXCPU",
  "SIGXFSZ",
];

/** vsync's own core dump would contain secrets. */
function wouldDumpCore(signal: string): boolean {
  if (!DUMPING.includes(signal)) return false;
  try {
    return !/^Max core file size\s+0\s/m.test(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return true;
  }
}
