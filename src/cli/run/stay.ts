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
/** On a terminal they stop vsync together with the program; a service means them for the program, as gunicorn's do. */
const OF_JOBS = ["SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT"] as const;
/** A terminal sends these to the whole foreground. */
const FROM_TERMINALS: readonly string[] = ["SIGINT", "SIGQUIT"];

/**
 * Stays beside the program until it has ended: hands on the signals that were aimed at vsync alone, and resolves with the
 * program's end.
 *
 * @throws ProgramNotStartedError
 */
export async function stayBeside(program: Program, around: Surroundings): Promise<Pick<Ending, "code" | "signal">> {
  let child: Child | undefined;
  // Listens before the program starts, so a signal that arrives meanwhile reaches it too.
  using signals = forwarding(around, (signal) => child?.kill(signal));
  child = await startChild(program, around);
  // Awaited only after the program has ended; a failure must not count as unhandled until then.
  child.passedOn.catch(() => undefined);
  const ended = await child.ended;
  // A process that the program left behind may hold the output open for ever; from here on a signal ends us.
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
  // With a listener, a signal that the caller ignores would no longer be ignored in the program.
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

/** Whether a terminal controls this process; stdin may be something else. */
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
 * Ends vsync as the program has ended: a shell stops a script at Ctrl-C only if SIGINT killed what it ran. Returns the exit
 * code where the signal does not end vsync, as in PID 1.
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

/** signal(7), "Core" */
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

/** vsync's own core would hold secrets. */
function wouldDumpCore(signal: string): boolean {
  if (!DUMPING.includes(signal)) return false;
  try {
    return !/^Max core file size\s+0\s/m.test(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return true;
  }
}
